"""What the values of each dataset look like."""
