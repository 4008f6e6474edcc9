"""What outlives the server: videos on disk by content, and who has them, asked what and may come in, in a database."""
