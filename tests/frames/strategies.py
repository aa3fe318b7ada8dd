"""Hypothesis strategies of what a store holds, and how many examples are enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from skillstack.store.canonical import MAX_INTEGER
from skillstack.store.fields import is_name
from skillstack.store.records import (
    AdapterRef,
    BaseIdentity,
    Count,
    FrameRecord,
    GenerationPrompt,
    Node,
    Rendering,
    Skill,
)
from skillstack.store.states import StateFile, StateRef

# The same examples in every run: a check that fails now and then tells nobody anything.
EXAMPLES = settings(derandomize=True)
MANY = settings(EXAMPLES, max_examples=3 * EXAMPLES.max_examples)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True).filter(is_name)
sizes = st.integers(0, 10**9)


@st.composite
def _counts(draw: st.DrawFn) -> Count:
    n = draw(sizes)
    return Count(draw(st.integers(0, n)), n)


renderings = st.builds(
    Rendering,
    prompt=texts,
    label_words=st.lists(texts, max_size=3).map(tuple),
    truncation=st.sampled_from(("head", "head_tail")),
    max_length=sizes,
)
bases = st.builds(
    BaseIdentity,
    weights=digests,
    tokenizer=digests,
    architecture=texts,
    hidden_size=sizes,
    layers=sizes,
    name=texts,
    revision=texts,
)
skills = st.builds(
    Skill,
    name=names,
    task=names,
    family=names,
    labels=st.lists(texts, min_size=2, max_size=4, unique=True).map(tuple),
    pair=st.booleans(),
    head=digests,
    samples=st.none() | digests,
    rendering=renderings,
    metrics=st.dictionaries(texts, _counts(), max_size=2),
    source=st.dictionaries(texts, texts, max_size=2),
)


def _with(skill: Skill, **fields: object) -> Skill:
    return replace(skill, **fields)  # type: ignore[arg-type]


adapters = st.builds(AdapterRef, name=names, config=digests, model=digests, card=digests, bytes=sizes)
contents = st.builds(
    FrameRecord,
    name=names,
    adapter=st.none() | adapters,
    skills=st.lists(skills, min_size=1, max_size=2).map(tuple),
    base=bases,
    precision=st.sampled_from(("fp32", "bf16", "fp16", "nf4")),
    pooling=st.sampled_from(("mean", "last")),
    recipe=st.dictionaries(texts, values, max_size=3),
    plan=st.just("") | digests,
    canaries=st.none() | digests,
    init_from=st.none() | digests,
)
state_files = st.builds(
    StateFile, name=names.map("{}.safetensors".format).filter(is_name), sha256=digests, bytes=sizes
)


def _state_ref(values: StateFile, others: list[StateFile]) -> StateRef:
    return StateRef(tuple(sorted([values, *others], key=lambda file: file.name)))


states = st.builds(
    _state_ref,
    st.builds(StateFile, name=st.just("state.json"), sha256=digests, bytes=sizes.map(lambda n: n // 8)),
    st.lists(state_files, max_size=3, unique_by=lambda file: file.name),
)
_some = st.lists(texts.filter(bool), min_size=2, max_size=3, unique=True).map(tuple)
prompts = st.builds(
    GenerationPrompt,
    style=names,
    template=st.none() | digests,
    answer=texts.map("{}{{answer}}".format),
    choices=st.just(()) | _some,
    stop=st.just(()) | _some,
    max_new_tokens=st.integers(1, 4096),
)
later_skills = st.one_of(
    st.builds(_with, skills, head=st.none(), state=states),
    st.builds(_with, skills, kind=st.just("generation"), labels=st.just(()), head=st.none(), prompt=prompts),
    st.builds(_with, skills, kind=st.just("document"), labels=st.just(()), head=st.none(), state=states),
    st.builds(_with, skills, kind=st.just("kind-of-tomorrow"), head=st.none() | digests),
    st.builds(_with, skills, learned=digests),
)
#: Contents that format 1 cannot hold, and which may hold skills that it can.
later_contents = st.builds(
    lambda content, skill, place: replace(content, skills=(*content.skills[:place], skill)),
    contents,
    later_skills,
    st.integers(0, 1),
)
nodes = st.builds(Node, content=digests, parent=st.none() | digests)

_dtypes = st.sampled_from(
    ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "<u8", "<u4", "<u2", "u1", "?"]
).map(np.dtype)


def _arrays(dtype: np.dtype) -> st.SearchStrategy[np.ndarray]:
    shape = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    if dtype.kind == "f":
        finite = arrays.from_dtype(dtype, allow_nan=False, allow_infinity=False)
        return arrays.arrays(dtype, shape, elements=finite)
    return arrays.arrays(dtype, shape)


tensor_names = texts.filter(lambda name: name != "__metadata__")
tensor_dicts = st.dictionaries(tensor_names, _dtypes.flatmap(_arrays), max_size=4)
