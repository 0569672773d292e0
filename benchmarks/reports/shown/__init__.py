"""What a report on a run shows: values worked out of its records, without a word of HTML."""
