"""What messages would send, without storing or sending anything."""
