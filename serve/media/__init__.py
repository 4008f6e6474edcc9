"""How videos come in: uploads, and what a URL in a request means."""
