"""A small world with known answers: pictures of shapes, their captions, a CLIP that knows them."""
