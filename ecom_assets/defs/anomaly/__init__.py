"""What is out of the ordinary, and what people are told of it."""
