"""The modality gap: how far words lie from pictures, and which way across is best."""
