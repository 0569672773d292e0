"""The same model and files measured by CLIP_benchmark and by polyseek, figure beside figure."""
