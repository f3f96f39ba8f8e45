"""The check-in of a child: receive an answer, keep it, and settle the rounds."""
