"""Delivers: claims people who are due, sends to Customer.io, settles its answers."""
