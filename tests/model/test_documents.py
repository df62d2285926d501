"""Every document: what is written is read again, and garbage is refused in one way only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import (
    Action,
    Job,
    OnFailure,
    Parameter,
    ResourceRef,
    group_name,
    group_of,
)
from esi_flows.model.results import HeatStack, State, Target

KEY = "/some/key"

texts = st.text(max_size=8)
names = st.text("abc-123", min_size=1, max_size=8)
versions = st.integers(min_value=0, max_value=2**63)
times = st.floats(min_value=0, max_value=4e9, allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
objects = st.dictionaries(texts, json_values, max_size=4)
refs = st.builds(ResourceRef, names, names)
job_ids = st.builds(
    "{}:{}:{}:{}".format,
    st.sampled_from(Action),
    names,
    st.builds(group_name, refs, versions),
    names,
)

intents = st.builds(Intent, objects, versions, st.booleans())
memos = st.builds(Memo, objects, versions, deleted=st.booleans())
plain_parameters = st.builds(
    Parameter,
    param=names,
    type=st.just("value"),
    value=json_values,
    resources=st.lists(refs, max_size=2).map(tuple),
)
output_parameters = st.builds(
    Parameter,
    param=names,
    type=st.just("output_key"),
    value=st.fixed_dictionaries(
        {"output_key": names, "resource_type": names, "resource_id": names}
    ),
    resources=st.lists(refs, max_size=2).map(tuple),
)
parameters = st.recursive(
    plain_parameters | output_parameters,
    lambda inner: st.builds(
        Parameter, param=names, type=st.just("list"), value=st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=4,
)
jobs = st.builds(
    Job,
    id=job_ids,
    job_name=names,
    action=st.sampled_from(Action),
    handler=names,
    resource_type=names,
    resource_id=names,
    version=versions,
    resource_input=objects,
    params=st.lists(parameters, max_size=3).map(tuple),
    is_first=st.booleans(),
    is_last=st.booleans(),
    on_failure=st.sampled_from(OnFailure),
    dependency=st.lists(job_ids, max_size=3).map(tuple),
)
courses = st.builds(
    JobCourse,
    id=names,
    state=names,
    started_at=times,
    ended_at=times,
    waited_seconds=times,
    error=texts,
)
groups = st.builds(
    GroupRecord,
    name=names,
    action=st.sampled_from(Action),
    resource=refs,
    version=versions,
    job_ids=st.lists(job_ids, max_size=3).map(tuple),
    waits_for=st.lists(job_ids, max_size=3).map(tuple),
    state=st.sampled_from(GroupState),
    attempts=versions,
    conductor=texts,
    error=texts,
    failed_job=texts,
    posted_at=times,
    started_at=times,
    ended_at=times,
    course=st.lists(courses, max_size=2).map(tuple),
)
outputs = st.fixed_dictionaries({"output_key": names, "output_value": json_values})
stacks = st.builds(
    HeatStack,
    id=texts,
    name=texts,
    tenant_id=texts,
    stack_status=texts,
    status_reason=texts,
    output=st.lists(outputs, max_size=3).map(tuple),
)
states = st.builds(
    State,
    version=versions,
    worker_state=texts,
    error=texts,
    members=st.dictionaries(names, texts, max_size=3),
)
targets = st.builds(
    Target,
    name=texts,
    type=texts,
    topic=texts,
    resource_type=texts,
    tenant_id=texts,
    version=versions,
    properties=objects,
    wanted_status=texts,
)

DOCUMENTS: dict[Any, st.SearchStrategy[Any]] = {
    Intent: intents,
    Memo: memos,
    Job: jobs,
    GroupRecord: groups,
    HeatStack: stacks,
    State: states,
    Target: targets,
}
every_kind = pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: str(kind.__name__))


@every_kind
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(kind: Any, data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS[kind])
    raw = document.encode()
    assert kind.decode(KEY, raw) == document
    assert kind.decode(KEY, raw).encode() == raw


@every_kind
@settings(max_examples=40, deadline=None)
@given(raw=st.binary(max_size=40) | json_values.map(lambda v: json.dumps(v).encode()))
def test_garbage_is_refused_as_invalid(kind: Any, raw: bytes) -> None:
    with contextlib.suppress(DocumentInvalid):
        kind.decode(KEY, raw)


@every_kind
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_document_with_one_part_replaced_is_read_or_refused_as_invalid(
    kind: Any, data: st.DataObject
) -> None:
    document = json.loads(data.draw(DOCUMENTS[kind]).encode())
    place = data.draw(st.sampled_from(list(places(document))))
    place(data.draw(json_values))
    with contextlib.suppress(DocumentInvalid):
        read = kind.decode(KEY, json.dumps(document).encode())
        assert kind.decode(KEY, read.encode()) == read


def places(document: Any) -> Any:
    """A setter for every element of a document, however deep."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in inside:
        yield setter(document, name)
        if isinstance(value, dict | list):
            yield from places(value)


def setter(container: Any, name: Any) -> Callable[[Any], None]:
    return lambda value: container.__setitem__(name, value)


@given(objects, versions)
def test_a_body_may_be_an_object_or_its_text(body: dict[str, Any], version: int) -> None:
    as_object = codec.dumps({"body": body, "version": version})
    as_text = codec.dumps({"body": json.dumps(body), "version": version})
    assert Intent.decode(KEY, as_object) == Intent.decode(KEY, as_text) == Intent(body, version)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize(
    "form",
    ['{{"body": {{"n": {}}}, "version": 1}}', '{{"body": "{{\\"n\\": {}}}", "version": 1}}'],
    ids=["object", "text"],
)
def test_numbers_that_are_no_json_are_refused(number: str, form: str) -> None:
    with pytest.raises(DocumentInvalid):
        Intent.decode(KEY, form.format(number).encode())


def test_half_a_surrogate_pair_survives() -> None:
    intent = Intent.decode(KEY, b'{"body": {"name": "\\ud800"}, "version": 1}')
    memo = Memo.of(intent).encode()
    assert b'"\\ud800"' in memo
    assert Memo.decode(KEY, memo).body == intent.body


def test_whatever_an_intent_may_nest_its_memo_and_jobs_may_too() -> None:
    deep: Any = "x"
    for _ in range(codec.MAX_INTENT_DEPTH - 3):
        deep = [deep]
    intent = Intent.decode(KEY, codec.dumps({"body": {"deep": deep}, "version": 1}))
    assert Memo.decode(KEY, Memo.of(intent).encode()).body == intent.body
    in_a_list = Parameter("p", "list", (Parameter("p", "value", intent.body),))
    job = Job(
        id="create:heat_worker:port:p:1:abcde",
        job_name="port:p:1",
        action=Action.CREATE,
        handler="heat_worker",
        resource_type="port",
        resource_id="p",
        version=1,
        resource_input=intent.body,
        params=(in_a_list,),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(),
    )
    assert Job.decode(KEY, job.encode()) == job


@given(refs, versions, names, names)
def test_the_owner_of_a_job_is_read_off_its_id(
    resource: ResourceRef, version: int, handler: str, suffix: str
) -> None:
    name = group_name(resource, version)
    assert group_of(f"create:{handler}:{name}:{suffix}") == name


@given(st.text(max_size=12))
def test_a_group_record_names_only_job_ids_whose_group_can_be_told(text: str) -> None:
    record = GroupRecord(
        name="g", action=Action.CREATE, resource=ResourceRef("a", "b"), version=1, job_ids=()
    )
    raw = record.but(waits_for=(text,)).encode()
    try:
        read = GroupRecord.decode(KEY, raw)
    except DocumentInvalid:
        assert text.count(":") < 3
    else:
        assert [group_of(job_id) for job_id in read.waits_for]


@given(st.dictionaries(names, json_values, max_size=3))
def test_state_keeps_texts_and_turns_the_rest_into_json_texts(job_state: dict[str, Any]) -> None:
    job_state.pop("worker_state", None)
    state = State.of_job_state(version=1, worker_state="CREATE_COMPLETED", job_state=job_state)
    for name, value in job_state.items():
        text = state.members[name]
        assert text == value if isinstance(value, str) else json.loads(text) == value
