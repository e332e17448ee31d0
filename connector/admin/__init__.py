"""What an operator asks for. The commands and the web pages call this, and never the store."""
