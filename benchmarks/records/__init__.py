"""What a measurement found, as frozen values with a JSON form."""
