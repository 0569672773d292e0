"""`polyseek train`: maps that are learned beside an encoder, which itself stays as it is."""

import typer

from cli import train_adapter, train_phi, train_text_adapter

app = typer.Typer(help="Train small maps beside an encoder.", no_args_is_help=True)
for _module in (train_phi, train_text_adapter, train_adapter):
    _module.add_to(app)


@app.callback()
def train() -> None:
    """Train small maps beside an encoder."""
