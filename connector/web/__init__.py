"""The HTTP doors: changes come in, health goes out."""
