"""Reading the settings of Hull's connector."""
