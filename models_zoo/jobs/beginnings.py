"""What jobs begin with, found out before the first of them trains and not hours later."""

from __future__ import annotations

from collections.abc import Sequence

from ensemble.errors import EnsError
from ensemble.members.networks import build_network
from ensemble.progress import Progress
from models_zoo.jobs.job import Job
from models_zoo.jobs.reporter import Reporter
from models_zoo.settings.member_spec import NO_WEIGHTS, MemberSpec
from models_zoo.training.starting_weights import find_start


def check_beginnings(
    jobs: Sequence[Job], *, reporter: Reporter, progress: Progress
) -> dict[str, str]:
    """Fetch the weights of all encoders and look into all files; why some are not to be had.

    Answers by the names of jobs, and tells at once. Members of all folds begin with the same.
    """
    beginning = [job for job in jobs if job.spec.weights != NO_WEIGHTS]
    networks = {_network_key(job.spec): job for job in beginning}
    if not networks:
        return {}
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    with progress("fetching and checking weights to begin with", len(networks)) as advance:
        for key, job in networks.items():
            try:
                found[key] = _notes_on(job.spec, len(job.data.train.classes)), ""
            except EnsError as error:
                found[key] = (), str(error)
            advance(1)
    failed = {}
    for job in beginning:
        notes, fault = found[_network_key(job.spec)]
        for note in notes:
            reporter.note(job.name, note)
        if fault:
            failed[job.name] = fault
            job.tell_failure(reporter, fault)
    return failed


def _notes_on(spec: MemberSpec, num_classes: int) -> tuple[str, ...]:
    """What a person should know of the weights that a member begins with; raises where it cannot:
    MemberError or ConfigError for a file, ConfigError for weights that cannot be fetched.
    """
    network = build_network(
        spec.network,
        in_channels=spec.channels,
        num_classes=num_classes,
        weights=spec.encoder_weights,
    )
    return () if spec.weights_file is None else find_start(network, spec.weights_file).notes


def _network_key(spec: MemberSpec) -> str:
    return f"{spec.network.model_dump_json()} {spec.channels} {spec.weights}"
