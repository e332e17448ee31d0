"""The settings: settings.toml, a secrets directory and the environment, read into frozen values."""
