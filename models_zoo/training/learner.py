"""Training of one member with Lightning: resumable, scored by the graded Dice each epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ensemble.classes import ClassList
from ensemble.data.datasets import LabelledFolder
from ensemble.errors import MemberError
from ensemble.members.compilation import compile_network
from ensemble.members.networks import aux_logits_of, build_network, logits_of
from ensemble.members.preprocess import normalise
from ensemble.progress import Progress
from models_zoo.checkpointing import checkpoint_encoder
from models_zoo.examples.augment import Augment, Example
from models_zoo.examples.crops import CropAugment
from models_zoo.examples.example_cache import ExampleCache
from models_zoo.examples.loader import (
    Kept,
    TrainingSet,
    example_bytes,
    read_example,
    training_loader,
)
from models_zoo.examples.target import unpack_target
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.team import ALONE, Team
from models_zoo.training.averages import moving_average, plain_average
from models_zoo.training.best_epoch import Best, copy_to_cpu, read_best, state_file, write_best
from models_zoo.training.epoch_result import EpochResult, Watch
from models_zoo.training.losses import segmentation_loss
from models_zoo.training.optimisation import learning_rate_share, new_optimizer
from models_zoo.training.resume import BEST, BEST_EPOCH, LAST, TRAIN_S
from models_zoo.training.starting_weights import start_from
from models_zoo.training.trainer import fit
from models_zoo.training.validation import ValidationLabels, Validator

# What the loss of torchvision's auxiliary head counts (PSPNet, Zhao et al. 2017).
_AUX_WEIGHT = 0.4
# Batches after which losses are looked at: each time a GPU runs out of work.
_CHECKED_EVERY = 20


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a training: its best epoch and how long all epochs took."""

    best: Best
    train_s: float


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """All that a training needs; `state` is the folder from which it can be continued.

    What lies in it is trusted, see `check_resumable`. `team`: the processes that share the work.
    `examples`: where they are kept on disk, None for nowhere.
    """

    spec: MemberSpec
    train: LabelledFolder
    held_out: ValidationLabels
    state: Path
    device: torch.device
    team: Team = ALONE
    examples: ExampleCache | None = None

    @property
    def classes(self) -> ClassList:
        """The classes to learn."""
        return self.train.classes


def train_member(job: TrainingJob, *, watch: Watch, progress: Progress) -> Trained | None:
    """Train a member, from where an earlier run of the same job stopped.

    Of a team's processes only the first answers, the others with None.

    Raises MemberError if the loss is not finite, DeviceError if memory does not suffice, DataError
    for images or labels that cannot be used; interrupting it leaves a state to go on from.
    """
    spec = job.spec
    dataset = training_set(
        job.train, spec, progress, job.examples, num_processes=job.team.num_processes
    )
    validator = Validator(job.held_out, spec, device=job.device)
    if job.team.is_first:
        validator.prepare(progress)
    torch.manual_seed(spec.seed)
    network = build_network(
        spec.network,
        in_channels=spec.channels,
        num_classes=len(job.classes),
        weights=spec.encoder_weights,
    )
    if spec.weights_file is not None:
        start_from(network, spec.weights_file)
    learner = Learner(job, network, validator, watch)
    loader = training_loader(dataset, spec, device=job.device, team=job.team)
    fit(learner, loader, spec, device=job.device, checkpoint=job.state / LAST, team=job.team)
    return learner.result() if job.team.is_first else None


def training_set(
    train: LabelledFolder,
    spec: MemberSpec,
    progress: Progress,
    cache: ExampleCache | None = None,
    *,
    num_processes: int = 1,
) -> TrainingSet:
    """The images to learn from, read once: each whole, or in crops at its own resolution.

    With a `cache` they are kept on disk too, for what memory does not hold and for other members.
    Each of `num_processes` that do so keeps them in its part of the memory.
    """
    count = len(train.samples)

    def make(index: int) -> Example:
        if cache is None:
            return read_example(train, index, spec.input)
        name = train.samples[index].name
        return cache.get(name, spec.input, lambda: read_example(train, index, spec.input))

    examples = Kept(make, example_bytes, num_processes=num_processes)
    examples.fill(count, progress, f"{spec.full_name}: preparing images")
    augment: Augment | CropAugment = Augment(spec.augment, train.classes)
    if spec.window is not None:
        augment = CropAugment(spec.size, spec.augment, train.classes)
    crops = 1 if spec.window is None else spec.window.crops
    return TrainingSet(
        examples, augment, spec.seed, count=count, crops=crops, channels=spec.channels
    )


def batch_loss(
    network: nn.Module, batch: Mapping[str, Tensor], spec: MemberSpec, classes: ClassList
) -> Tensor:
    """The loss of a network on a batch, as `Batch` describes it, on its device."""
    inputs = normalise(batch["image"], spec.input)
    output = network(inputs.contiguous(memory_format=torch.channels_last))
    target = unpack_target(batch["planes"], batch["ignored"], classes)
    if spec.class_weights:
        weights = [spec.class_weights.get(name, 1.0) for name in classes.names]
        target = replace(target, class_weights=torch.tensor(weights, device=inputs.device))
    loss = segmentation_loss(spec.loss_terms, logits_of(output), target)
    if (aux := aux_logits_of(output)) is not None:
        loss = loss + _AUX_WEIGHT * segmentation_loss(spec.loss_terms, aux, target)
    return loss


class Learner(lightning.LightningModule):
    """A network in training beside the moving average (EMA) of its weights, which is scored."""

    def __init__(
        self, job: TrainingJob, network: nn.Module, validator: Validator, watch: Watch
    ) -> None:
        super().__init__()
        self._job = job
        self._validator = validator
        self._watch = watch
        # convolutions are faster with channels last, on CPUs too
        self.network = network.to(memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.network, multi_avg_fn=moving_average(job.spec.ema_decay), use_buffers=True
        ).requires_grad_(False)
        self.soup = (
            AveragedModel(
                self.average.module, multi_avg_fn=plain_average(), use_buffers=True
            ).requires_grad_(False)
            if job.spec.soup
            else None
        )
        if job.spec.checkpointing == "encoder":  # not of the average, which is not trained
            checkpoint_encoder(self.network)
        if job.spec.compile:  # nor of this, since an average that is scored runs as prediction does
            compile_network(self.network)
        self._best = read_best(job.state / BEST)
        self._train_s = 0.0
        self._losses: list[Tensor] = []
        self._epoch_start = 0.0

    def result(self) -> Trained:
        """The outcome, after the last epoch."""
        if self._best is None:
            raise MemberError("no epoch was trained", where=self._job.spec.full_name)
        return Trained(self._best, self._train_s)

    def on_train_epoch_start(self) -> None:
        """Start the clock, and random numbers (as of dropout) that epoch and rank alone decide.

        So an interrupted training ends as a whole one, and processes of a team drop other values.
        """
        seed = (self._job.spec.seed, self.current_epoch, self._job.team.rank)
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        self._losses = []
        self._epoch_start = time.monotonic()

    def training_step(self, batch: Mapping[str, Tensor], batch_index: int) -> Tensor:
        """The loss of a batch."""
        del batch_index
        loss = batch_loss(self.network, batch, self._job.spec, self._job.classes)
        self._losses.append(loss.detach())
        if len(self._losses) % _CHECKED_EVERY == 0:
            self._check_losses()
        return loss

    def _check_losses(self) -> None:
        """Raise MemberError for a loss of this epoch that is not finite; waits for the device."""
        losses = torch.stack(self._losses)
        if not torch.isfinite(losses).all():
            first = float(losses[~torch.isfinite(losses)][0])
            raise MemberError(
                f"the loss is {first} in epoch {self.current_epoch + 1}",
                where=self._job.spec.full_name,
                expected="a finite loss",
                remedy="lower lr, or set precision: fp32; then run the command again",
            )

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move the average where the batch ended a step."""
        del outputs, batch
        is_last = batch_idx + 1 == self.trainer.num_training_batches
        if (batch_idx + 1) % self._job.spec.accumulate == 0 or is_last:
            self.average.update_parameters(self.network)

    def on_train_epoch_end(self) -> None:
        """Score the average, keep the best, save what a later run continues from, and tell.

        The first of a team does; the others wait for it where it saves.
        """
        self._check_losses()
        if not self._job.team.is_first:
            self.trainer.save_checkpoint(self._job.state / LAST)
            return
        epoch, spec = self.current_epoch + 1, self._job.spec
        dice, is_best = None, False
        if epoch % spec.validate_every == 0 or epoch == spec.epochs:
            dice, is_best = self._score(self.average.module, epoch)
        if self.soup is not None and epoch > spec.epochs - spec.soup:
            self.soup.update_parameters(self.average.module)
            if epoch == spec.epochs:
                self._score(self.soup.module, epoch, is_soup=True)
        seconds = time.monotonic() - self._epoch_start
        self._train_s += seconds
        with state_file(self._job.state / LAST) as part:
            self.trainer.save_checkpoint(part)
        loss = float(torch.stack(self._losses).mean())
        self._watch(EpochResult(spec.full_name, epoch, spec.epochs, loss, dice, is_best, seconds))

    def _score(
        self, network: nn.Module, epoch: int, *, is_soup: bool = False
    ) -> tuple[NDArray[np.float64], bool]:
        """Dice (C,) of a network, and whether it is the best so far, which is kept."""
        dice = self._validator.dice(network)
        is_best = self._best is None or bool(dice.mean() > self._best.mean_dice)
        if is_best:
            self._best = Best(epoch, dice, copy_to_cpu(network.state_dict()), is_soup)
            write_best(self._job.state / BEST, self._best)
        return dice, is_best

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the clock, and which epoch `best.pt` must hold at least."""
        checkpoint[TRAIN_S] = self._train_s
        checkpoint[BEST_EPOCH] = 0 if self._best is None else self._best.epoch

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the clock."""
        self._train_s = float(checkpoint[TRAIN_S])

    def configure_optimizers(self) -> Any:
        """The optimizer, and its learning rate by steps."""
        spec = self._job.spec
        optimizer = new_optimizer(self.network, spec)
        total = int(self.trainer.estimated_stepping_batches)
        warmup = min(round(spec.warmup_epochs * total / spec.epochs), total // 2)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: learning_rate_share(step, spec.schedule, warmup=warmup, total=total),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
