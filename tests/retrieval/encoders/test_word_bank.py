"""Words of CLIP's vocabulary."""

from retrieval.encoders.word_bank import word_bank


def test_they_are_the_tokenizers_own_in_its_order():
    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from open_clip.tokenizer import SimpleTokenizer

    known = SimpleTokenizer().encoder
    words = word_bank(50_000)
    ids = [known[f"{word}</w>"] for word in words]
    assert ids == sorted(ids)
    assert len(set(words)) == len(words) > 30_000


def test_frequent_words_come_first():
    assert word_bank(100_000)[:10_000] == word_bank(10_000)
    assert {"the", "dog", "beach", "church"} <= set(word_bank(10_000))
    assert all(word.isalpha() and len(word) > 2 for word in word_bank(10_000))
