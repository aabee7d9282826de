"""What is measured of pictures as sets of features. Nothing here paints, judges or prints."""
