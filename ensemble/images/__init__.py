"""Images: whether their files are whole, how large they are, their pixels."""
