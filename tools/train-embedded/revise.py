"""Copy-and-revise examples: a real passage, an instruction, the revised passage.

Every example is made by rules from a corpus passage, so the right answer is known exactly.
An example is a list of (text, scored) pieces: scored pieces are the ones a model should produce by copying.
"""
import re

USER, ASSISTANT, SYSTEM, END = "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"
CLAUSE = "<|clause|>"

MONTHS = "January February March April May June July August September October November December".split()
NUMBER_WORDS = {2: "two", 3: "three", 5: "five", 7: "seven", 10: "ten", 12: "twelve", 14: "fourteen", 15: "fifteen",
                20: "twenty", 21: "twenty-one", 30: "thirty", 45: "forty-five", 60: "sixty", 75: "seventy-five",
                90: "ninety", 120: "one hundred twenty", 180: "one hundred eighty"}
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
ROLES = ("Supplier Customer Licensor Licensee Distributor Manufacturer Company Contractor Subcontractor Buyer Seller Client "
         "Provider Consultant Franchisee Franchisor Lender Borrower Landlord Tenant Agent Principal Sponsor Publisher Author "
         "Operator Vendor Recipient Discloser Employer Executive Partner Owner Developer Reseller Affiliate").split()
SYLLABLES = ("nor vek tal mar sol ven dra ker lin pra zen cor bel tor ami rex qua hal jun fos wex bri gal lum ost pel rin "
             "sab tru ulm vic yor zan dex mon far").split()
SUFFIXES = ["Inc.", "LLC", "Ltd.", "Corp.", "Systems, Inc.", "Holdings LLC", "Technologies, Inc.", "GmbH", "Partners LP", "& Co."]
PAIRS = [("shall", "must"), ("shall", "will"), ("will", "shall"), ("may", "shall"), ("terminate", "end"), ("written", "electronic"),
         ("prior to", "before"), ("agreement", "contract"), ("Agreement", "Contract"), ("notice", "notification"),
         ("days", "business days"), ("month", "quarter"), ("year", "month"), ("invention", "disclosure"), ("device", "apparatus"),
         ("method", "process"), ("embodiment", "example"), ("comprising", "including"), ("const", "let"), ("party", "signatory"),
         ("State of New York", "State of Delaware"), ("California", "Texas"), ("New York", "Illinois"), ("Mayor", "Governor")]

SENTENCE_END = re.compile(r"(?<=[.;:?!])[\"”)]?\s+(?=[A-Z(\"“\d])")
TERM = re.compile(r"\b[A-Z][a-zA-Z]{2,}(?:\s[A-Z][a-zA-Z]{2,}){0,2}\b")
WORD = re.compile(r"\b[a-z]{4,}\b")
NUMBER = re.compile(r"(?<![\w.,$])\$?\d{1,3}(?:,\d{3})*(?:\.\d+)?%?(?![\w,]|\.\d)")
SPELLED = re.compile(r"\b([a-z]+(?:-[a-z]+)?) \((\d+)\)")
DATE = re.compile(r"\b(?:%s) \d{1,2}, \d{4}\b" % "|".join(MONTHS))
IDENTIFIER = re.compile(r"\b[a-zA-Z_][a-zA-Z0-9_]{3,}\b")


def sentences(text):
    """Cut points that keep the text's own white space: pieces concatenate to the text."""
    cuts = [0] + [m.end() for m in SENTENCE_END.finditer(text)] + [len(text)]
    return [text[a:b] for a, b in zip(cuts, cuts[1:]) if b > a]


def passage(document, rng, low, high):
    """A run of whole sentences (or lines) of between low and high characters, or None."""
    if len(document) < low:
        return None
    at = rng.randrange(max(1, len(document) - low))
    window = document[at:at + 2 * high + 400]
    start = re.search(r"\n\n|(?<=[.;])\s+(?=[A-Z(\d])|\n", window) if at else None
    if at and not start:
        return None
    window = window[start.end():] if start else window
    out = ""
    want = rng.randint(low, high)
    for s in sentences(window):
        if len(out) + len(s) > high:
            break
        out += s
        if len(out) >= want:
            break
    out = re.sub(r"[ \t]{3,}", " ", out.strip())
    return out if low <= len(out) <= high else None


def code_passage(document, rng, low, high):
    """A run of whole lines."""
    lines = document.split("\n")
    if len(document) < low:
        return None
    i = rng.randrange(len(lines))
    out, want = "", rng.randint(low, high)
    for line in lines[i:]:
        if len(out) + len(line) + 1 > high:
            break
        out += line + "\n"
        if len(out) >= want:
            break
    out = out.strip("\n")
    return out if low <= len(out) <= high else None


def new_name(rng):
    name = "".join(rng.sample(SYLLABLES, rng.choice([2, 2, 3]))).capitalize()
    if rng.random() < 0.25:
        name += " " + "".join(rng.sample(SYLLABLES, 2)).capitalize()
    return name + " " + rng.choice(SUFFIXES) if rng.random() < 0.5 else name


def pick(rng, options, **values):
    return rng.choice(options).format(**values)


def replace_all(text, a, b):
    return re.sub(r"(?<!\w)" + re.escape(a) + r"(?!\w)", lambda _: b, text)


# Each edit takes (text, rng, pool) and returns (instruction, revised text) or None when it does not apply.

RENAME = ['replace "{a}" with "{b}"', 'change "{a}" to "{b}"', "change {a} to {b}", "rename {a} to {b} throughout",
          "use {b} instead of {a}", "{a} is now called {b}", 'replace every "{a}" by "{b}"', "{a} becomes {b}", "substitute {b} for {a}"]


def rename_term(text, rng, pool):
    found = [m.group() for m in TERM.finditer(text)]
    found = [t for t in found if found.count(t) > 1 or " " in t or len(t) > 5]
    if not found:
        return None
    a = rng.choice(found)
    r = rng.random()
    b = rng.choice(ROLES) if r < 0.3 else new_name(rng) if r < 0.7 else rng.choice(pool["terms"])
    return (pick(rng, RENAME, a=a, b=b), replace_all(text, a, b)) if a != b else None


def rename_identifier(text, rng, pool):
    found = [m.group() for m in IDENTIFIER.finditer(text)]
    if not found:
        return None
    a = rng.choice(found)
    b = rng.choice(pool["identifiers"])
    if rng.random() < 0.3:
        b = rng.choice(SYLLABLES) + rng.choice(SYLLABLES).capitalize()
    return (pick(rng, RENAME[:5], a=a, b=b), replace_all(text, a, b)) if a != b else None


def swap_word(text, rng, pool):
    pairs = [p for p in PAIRS if re.search(r"\b%s\b" % p[0], text)]
    if pairs and rng.random() < 0.6:
        a, b = rng.choice(pairs)
    else:
        found = WORD.findall(text)
        if not found:
            return None
        a, b = rng.choice(found), rng.choice(pool["words"])
    return (pick(rng, RENAME[:3] + RENAME[6:7], a=a, b=b), replace_all(text, a, b)) if a != b else None


def change_number(text, rng, pool):
    spelled = [m for m in SPELLED.finditer(text) if int(m.group(2)) in NUMBER_WORDS]
    if spelled and rng.random() < 0.8:
        m = rng.choice(spelled)
        n = rng.choice([k for k in NUMBER_WORDS if k != int(m.group(2))])
        a, b, short_a, short_b = m.group(), f"{NUMBER_WORDS[n]} ({n})", m.group(2), str(n)
    else:
        found = list(NUMBER.finditer(text))
        if not found:
            return None
        m = rng.choice(found)
        a = short_a = m.group()
        digits = [c for c in a]
        for i, c in enumerate(digits):
            if c.isdigit():
                digits[i] = str(rng.randrange(1 if i == 0 else 0, 10))
        b = short_b = "".join(digits)
        if rng.random() < 0.2 and a.isdigit():
            b = short_b = str(rng.choice([5, 10, 14, 30, 45, 60, 90, 120]))
    if a == b:
        return None
    follow = re.match(r"[ \-]?([a-z]+)", text[m.end():])
    revised = text[:m.start()] + b + text[m.end():]
    if follow and rng.random() < 0.6:
        unit = follow.group()
        x, y = (a, b) if rng.random() < 0.5 else (short_a, short_b)
        return pick(rng, RENAME[:3], a=x + unit, b=y + unit), revised
    if text.count(a) > 1:
        revised = replace_all(text, a, b)
    return pick(rng, RENAME[:3], a=a, b=b), revised


def change_date(text, rng, pool):
    m = DATE.search(text)
    if not m:
        return None
    b = f"{rng.choice(MONTHS)} {rng.randint(1, 28)}, {rng.randint(1995, 2030)}"
    return (pick(rng, RENAME[:3] + ["the date is {b}, not {a}", "move {a} to {b}"], a=m.group(), b=b), text.replace(m.group(), b))


def delete_sentence(text, rng, pool):
    s = sentences(text)
    if not 2 <= len(s) <= 8:
        return None
    i = rng.randrange(len(s))
    start = " ".join(s[i].split()[:rng.randint(2, 5)])
    which = "last" if i == len(s) - 1 and rng.random() < 0.6 else ORDINALS[i]
    how = pick(rng, ["delete the {w} sentence", "remove the {w} sentence", 'delete the sentence that begins "{b}"',
                     'remove the sentence starting with "{b}"', 'drop "{b} ..."'], w=which, b=start)
    return how, "".join(s[:i] + s[i + 1:]).rstrip()


def keep_sentences(text, rng, pool):
    s = sentences(text)
    if not 3 <= len(s) <= 8:
        return None
    k = rng.randint(1, len(s) - 1)
    if k == 1:
        return pick(rng, ["keep only the first sentence", "quote the first sentence"]), s[0].rstrip()
    return f"keep only the first {NUMBER_WORDS.get(k, str(k))} sentences", "".join(s[:k]).rstrip()


def insert_sentence(text, rng, pool):
    new = rng.choice(pool["sentences"])
    s = sentences(text)
    where = rng.random()
    if where < 0.45 or len(s) < 2:
        return pick(rng, ['add at the end: "{n}"', 'append the sentence "{n}"', 'end with "{n}"'], n=new), text + " " + new
    if where < 0.7:
        return pick(rng, ['begin with "{n}"', 'add at the beginning: "{n}"', 'insert "{n}" before the first sentence'], n=new), new + " " + text
    i = rng.randrange(1, min(len(s), 8))
    body = "".join(s[:i]).rstrip() + " " + new + " " + "".join(s[i:])
    return f'insert "{new}" after the {ORDINALS[i - 1]} sentence', body


def replace_sentence(text, rng, pool):
    new = rng.choice(pool["sentences"])
    s = sentences(text)
    if not 2 <= len(s) <= 8:
        return None
    i = rng.randrange(len(s))
    which = "last" if i == len(s) - 1 else ORDINALS[i]
    tail = s[i][len(s[i].rstrip()):]
    return f'replace the {which} sentence with "{new}"', "".join(s[:i] + [new + tail] + s[i + 1:])


def insert_phrase(text, rng, pool):
    m = rng.choice(list(WORD.finditer(text)) or [None])
    if not m:
        return None
    anchor = text[max(0, m.start() - 24):m.end()].split("\n")[-1]
    anchor = anchor[anchor.find(" ") + 1:] if " " in anchor.strip() else anchor
    if text.count(anchor) != 1:
        return None
    phrase = rng.choice([", except as stated in Section {n}.{m},", " in writing", " (including its affiliates)", ", without limitation,",
                         " and its successors", " within {n} days", ", subject to Section {n},", " at its own expense"])
    phrase = phrase.format(n=rng.randint(2, 19), m=rng.randint(1, 9))
    return f'insert "{phrase.strip()}" after "{anchor}"', text.replace(anchor, anchor + phrase)


def verbatim(text, rng, pool):
    return pick(rng, ["repeat it exactly", "copy it verbatim", "no change", "repeat it word for word", "leave it as it is"]), text


PROSE_EDITS = [(rename_term, 26), (change_number, 16), (change_date, 6), (swap_word, 14), (delete_sentence, 7), (keep_sentences, 3),
               (insert_sentence, 8), (replace_sentence, 4), (insert_phrase, 8), (verbatim, 8)]
CODE_EDITS = [(rename_identifier, 70), (change_number, 12), (verbatim, 18)]


def edit(text, rng, pool, code):
    table = CODE_EDITS if code else PROSE_EDITS
    count = 1 if rng.random() < 0.72 else 2 if rng.random() < 0.8 else 3
    instructions = []
    for _ in range(6 * count):
        if len(instructions) == count:
            break
        op = rng.choices([e for e, _ in table], [w for _, w in table])[0]
        if instructions and op in (verbatim, keep_sentences):
            continue
        done = op(text, rng, pool)
        if done is None or (done[1] == text and op is not verbatim) or not done[1]:
            continue
        instructions.append(done[0])
        text = done[1]
        if op is verbatim:
            break
    if not instructions:
        return None
    return rng.choice(["; ", " and ", "; then "]).join(instructions), text


def capital(s):
    return s[:1].upper() + s[1:]


NOUNS = {"prose": ["clause", "text", "paragraph", "passage", "section"], "code": ["code", "snippet", "function"]}


def frame(original, instruction, revised, rng, code):
    """One of several layouts; (text, scored) pieces without BOS and EOS."""
    noun = rng.choice(NOUNS["code" if code else "prose"])
    if not code and rng.random() < 0.45:
        noun = "clause"
    kind = rng.random()
    scored = (revised, True)
    if kind < 0.30:
        ask = rng.choice([f"Revise the following {noun}: {instruction}.\n\n{original}", f"{capital(instruction)}.\n\n{original}",
                          f"{original}\n\n{capital(instruction)}.", f"Rewrite this {noun}: {instruction}.\n\n{original}",
                          f"Here is a {noun}:\n\n{original}\n\nPlease {instruction}.", f"In the {noun} below, {instruction}.\n\n{original}"])
        system = (SYSTEM + rng.choice(["You revise contracts.", "You are a careful editor.", "You edit text exactly as told."]) + END
                  if rng.random() < 0.15 else "")
        return [(f"{system}{USER}{ask}{END}{ASSISTANT}", False), (revised + END, True)]
    if kind < 0.50:
        return [(f"{CLAUSE}{original}{END}{USER}{capital(instruction)}.{END}{CLAUSE}", False), (revised + END, True)]
    if kind < 0.75:
        return [(f"Original {noun}:\n{original}\n\nRevised {noun} ({instruction}):\n", False), scored]
    if kind < 0.85:
        return [(f"{capital(noun)}:\n{original}\n\nInstruction: {capital(instruction)}.\n\nRevised {noun}:\n", False), scored]
    if kind < 0.93:
        return [(f"Instruction: {capital(instruction)}.\n\nBefore:\n{original}\n\nAfter:\n", False), scored]
    fence = "```" if code else '"""'
    return [(f"{fence}\n{original}\n{fence}\n{capital(instruction)}:\n{fence}\n", False), (f"{revised}\n{fence}", True)]


def chain(original, rng, pool, code):
    """Two rounds of revision in one chat."""
    first = edit(original, rng, pool, code)
    second = first and edit(first[1], rng, pool, code)
    if not second:
        return None
    if rng.random() < 0.5:
        opening = f"{USER}{capital(first[0])}.\n\n{original}{END}{ASSISTANT}"
        answer = ASSISTANT
    else:
        opening = f"{CLAUSE}{original}{END}{USER}{capital(first[0])}.{END}{CLAUSE}"
        answer = CLAUSE
    follow = rng.choice(["Now {}.", "Also {}.", "Next, {}.", "{}."]).format(second[0])
    return [(opening, False), (first[1] + END, True), (f"{USER}{capital(follow)}{END}{answer}", False), (second[1] + END, True)]


def make_pool(documents, code_documents, rng):
    """Words, terms, sentences and identifiers of the corpus to draw replacements from."""
    pool = {"terms": set(), "words": set(), "sentences": [], "identifiers": set()}
    for text in documents:
        at = rng.randrange(max(1, len(text) - 6000))
        cut = text[at:at + 6000]
        pool["terms"].update(TERM.findall(cut)[:20])
        pool["words"].update(WORD.findall(cut)[:200])
        pool["sentences"] += [s.strip() for s in sentences(cut)[1:-1] if 30 < len(s) < 160 and "\n" not in s.strip() and '"' not in s][:4]
    for text in code_documents:
        pool["identifiers"].update(IDENTIFIER.findall(text)[:60])
    return {k: sorted(v) for k, v in pool.items()}


def examples(documents, code_documents, rng, count, low, high, pool=None):
    """Yield count examples; documents is a list of texts, drawn evenly (repeat a text to weight it)."""
    pool = pool or make_pool(documents, code_documents, rng)
    made = 0
    while made < count:
        code = bool(code_documents) and rng.random() < 0.12
        text = (code_passage(rng.choice(code_documents), rng, low, high) if code else passage(rng.choice(documents), rng, low, high))
        if not text:
            continue
        if rng.random() < 0.12 and len(text) < high * 0.6:
            pieces = chain(text, rng, pool, code)
        else:
            done = edit(text, rng, pool, code)
            pieces = done and frame(text, done[0], done[1], rng, code)
        if pieces:
            made += 1
            yield pieces
