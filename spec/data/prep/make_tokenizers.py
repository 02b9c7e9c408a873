"""Writes the tokenizers of this folder and what they make of a few texts, with the packages tokenizers and
sentencepiece themselves:  python make_tokenizers.py   (small vocabularies, trained on the texts below)"""
import json
import os
import random

import sentencepiece as spm
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders as D, models, normalizers as N, pre_tokenizers as P, processors as R, trainers as T

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = [
    "The quick brown fox jumps over the lazy dog. It's 1,234,567.89 dollars; we'll see, they'RE here!",
    "Größe, naïve façade, Ångström, İstanbul, ﬁne e\u0301 a\u0323\u0301 ǅ ſ",
    "Быстрая коричневая лиса перепрыгивает через ленивую собаку. Ёжик!",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί",
    "敏捷的棕色狐狸跳过懒狗。これは日本語の文章です、カタカナも。빠른 갈색 여우가 게으른 개를 뛰어넘는다",
    "الثعلب البني السريع يقفز فوق الكلب الكسول، نعم؟",
    "तेज भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। สุนัขจิ้งจอกสีน้ำตาล",
    "def f(x):\n    return x**2 + 1  # comment\n\n\nif (a != b) { print(\"hi\\n\"); }\t\t//end\r\n",
    "emoji 😀 👍🏽 👨‍👩‍👧 🇩🇪🇫🇷 ❤️ 1️⃣ ½ ² ① ㎞ ﷺ … “quotes” —— ￥１２３ ｶﾞ\u200b\u00ad\ufeff\u00a0\u3000end",
    "##pre ▁mark ▁▁two <s> [MASK] </s> foo food foo  <sep>x a b \x07 \x85 \u2028 ``quote''",
]
random.seed(3)
WORDS = " ".join(SEEDS).split()
TEXTS = SEEDS + ["", " ", "   ", "\n", " lead", "trail  ", "a" * 150, "x\u0301\u0301\u0301", "\r\n\r\n  \n x", "'s'S'ſ don'T"]
TEXTS += [" ".join(random.choice(WORDS) for _ in range(random.randint(1, 20))) for _ in range(3)]
TRAIN = SEEDS * 3 + [" ".join(random.choice(WORDS) for _ in range(20)) for _ in range(100)]
PAIR = [SEEDS[0], SEEDS[2]]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER, SHORT = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SHORT}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SHORT}"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BLOOM = " ?[^(\\s|[.,!?…。，、।۔،])]+"


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer, t.decoder = N.BertNormalizer(), P.BertPreTokenizer(), D.WordPiece()
    t.train_from_iterator(TRAIN, T.WordPieceTrainer(
        vocab_size=420, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    cls, sep = t.token_to_id("[CLS]"), t.token_to_id("[SEP]")
    t.post_processor = R.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                            special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    return t


def bytes_bpe():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = P.ByteLevel(add_prefix_space=False), D.ByteLevel()
    t.post_processor = R.ByteLevel(trim_offsets=False)
    t.train_from_iterator(TRAIN, T.BpeTrainer(vocab_size=500, special_tokens=["<|endoftext|>"], show_progress=False,
                                              initial_alphabet=P.ByteLevel.alphabet()))
    return t


def sentence(name, **settings):
    with open(os.path.join(HERE, "train.tmp"), "w", encoding="utf-8") as f:
        f.write("\n".join(line.replace("\n", " ") for line in TRAIN))
    # A small table of rules: the standard one has 240 KB.
    with open(os.path.join(HERE, "rules.tmp"), "w", encoding="utf-8") as f:
        for source, target in [("ﬁ", "fi"), ("㎞", "km"), ("\u3000", " "), ("\u00a0", " "), ("①", "1"), ("½", "1/2"),
                               ("\t", " "), ("\n", " "), ("e\u0301", "é"), ("\u200b", ""), ("ｶﾞ", "ガ"), ("…", "...")]:
            f.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
    spm.SentencePieceTrainer.train(
        input=os.path.join(HERE, "train.tmp"), model_prefix=os.path.join(HERE, name), minloglevel=2, num_threads=1,
        hard_vocab_limit=False, **settings)
    for path in ("train.tmp", "rules.tmp", name + ".vocab"):
        os.remove(os.path.join(HERE, path))


def fields(data):
    def varint(i):
        value = shift = 0
        while True:
            value |= (data[i] & 127) << shift
            shift, i = shift + 7, i + 1
            if data[i - 1] < 128:
                return value, i
    i = 0
    while i < len(data):
        key, i = varint(i)
        if key & 7 == 0:
            value, i = varint(i)
        else:
            n, i = {5: (4, i), 1: (8, i)}.get(key & 7) or varint(i)
            value, i = data[i:i + n], i + n
        yield key >> 3, value


def charsmap(path):
    for field, value in fields(open(path, "rb").read()):
        if field == 3:
            return bytes(dict(fields(value))[2])


def variants(made):
    """One vocabulary under the settings of many published models."""
    w, b = made["wordpiece"].to_str(), made["bytes"].to_str()

    def of(text, **parts):
        t = Tokenizer.from_str(text)
        for key, value in parts.items():
            setattr(t, key, value)
        return t
    level, split = P.ByteLevel(add_prefix_space=False, use_regex=False), lambda r, *a: P.Split(Regex(r), *(a or ("isolated",)))
    out = {
        "bert_cased": of(w, normalizer=N.BertNormalizer(lowercase=False)),
        "whitespace": of(w, pre_tokenizer=P.Whitespace(), normalizer=N.Sequence([N.NFKC(), N.Lowercase()])),
        "llama3": of(b, pre_tokenizer=P.Sequence([split(LLAMA3), level])),
        "qwen2": of(b, pre_tokenizer=P.Sequence([split(QWEN2), level]), normalizer=N.NFC()),
        "o200k": of(b, pre_tokenizer=P.Sequence([split(O200K), level])),
        "bloom": of(b, pre_tokenizer=P.Sequence([split(BLOOM), level])),
        "clip": of(b, pre_tokenizer=P.Sequence([split(CLIP, "removed", True), P.ByteLevel(add_prefix_space=False)]),
                   normalizer=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()])),
        "falcon": of(b, pre_tokenizer=P.Sequence([
            P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(), split("[0-9][0-9][0-9]")])),
        "starcoder": of(b, pre_tokenizer=P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)])),
        "roberta": of(b, pre_tokenizer=P.ByteLevel(add_prefix_space=True),
                      post_processor=R.RobertaProcessing(("<|endoftext|>", 0), ("<|endoftext|>", 0))),
    }
    out["phi"] = of(b)
    out["phi"].add_tokens([AddedToken(" " * k, normalized=False) for k in range(5, 1, -1)])
    out["phi"].add_tokens([AddedToken("foo", single_word=True), AddedToken("dog", rstrip=True)])
    out["phi"].add_special_tokens([AddedToken("<s>", lstrip=True)])
    return out


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))


def flat(pairs):
    return [n for pair in pairs for n in pair]


def expected(t):
    rows = []
    for text in TEXTS:
        e = t.encode(text)
        rows.append([e.ids, flat(e.offsets), t.decode(e.ids)])
    e = t.encode(*PAIR)
    return {"rows": rows, "pair": [e.ids, e.type_ids]}


def main():
    made = {"wordpiece": wordpiece(), "bytes": bytes_bpe()}
    sentence("unigram", model_type="unigram", vocab_size=420, normalization_rule_tsv=os.path.join(HERE, "rules.tmp"),
             byte_fallback=False, character_coverage=0.98)
    sentence("bpe", model_type="bpe", vocab_size=700, byte_fallback=True, character_coverage=0.985,
             normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=["<sep>"])
    s = spm.SentencePieceProcessor(model_file=os.path.join(HERE, "unigram.model"))
    t = Tokenizer(models.Unigram([(s.id_to_piece(i), s.get_score(i)) for i in range(len(s))], unk_id=0))
    t.normalizer = N.Precompiled(charsmap(os.path.join(HERE, "unigram.model")))
    t.pre_tokenizer, t.decoder = P.Sequence([P.WhitespaceSplit(), P.Metaspace()]), D.Metaspace()
    t.add_special_tokens(["<s>", "</s>", AddedToken("[MASK]", lstrip=True)])
    made["unigram"] = t
    s = spm.SentencePieceProcessor(model_file=os.path.join(HERE, "bpe.model"))
    vocab = {s.id_to_piece(i): i for i in range(len(s))}
    merges = []
    for piece in vocab:
        cuts = [(piece[:k], piece[k:]) for k in range(1, len(piece))]
        cuts = [c for c in cuts if c[0] in vocab and c[1] in vocab and s.is_byte(vocab[piece]) is False]
        merges += sorted(((vocab[piece], vocab[a], vocab[b], a, b) for a, b in cuts))
    merges = [(a, b) for _, _, _, a, b in sorted(merges)]
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])
    t.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    made["llama2"] = t
    for name, t in made.items():
        t.save(os.path.join(HERE, name + ".json"), pretty=False)
    all_of = {name: expected(t) for name, t in made.items()}
    extra = variants(made)
    for name, t in extra.items():
        # Only what differs from the file that it shares a vocabulary with.
        value = json.loads(t.to_str())
        base = "wordpiece" if value["model"]["type"] == "WordPiece" else "bytes"
        del value["model"]
        all_of[name] = dict(expected(t), base=base, parts=value)
    for name in ("unigram", "bpe"):
        s = spm.SentencePieceProcessor(model_file=os.path.join(HERE, name + ".model"))
        all_of[name + ".model"] = {"rows": [[s.encode(text), [], s.decode(s.encode(text))] for text in TEXTS]}
    write("tokenizers.json", {"texts": TEXTS, "pair": PAIR, "of": all_of})


main()
