"""The polyseek command; thin, and the only place that prints."""
