"""An estimator's fit of a table in blocks of rows: the fit of `estimators.fit`, whose rows are with the workers.

The weights, the solver and all that is told from rows left out are with the caller: for these, up to 2,000 rows are taken to
it, as a fit in memory of so many rows takes them too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.distributed.row_blocks import RowBlock, RowBlocks
from twolayer.distributed.row_moments import (
    ColumnSteps,
    TargetSteps,
    standardised_rows,
    table_moments,
    table_scaling,
)
from twolayer.distributed.row_quartiles import table_quartiles
from twolayer.distributed.table_rows import TableRows
from twolayer.distributed.training import RowsHome
from twolayer.errors import InputError
from twolayer.estimators.column_quartiles import quartile_clip
from twolayer.estimators.column_views import ColumnView, clips_of_before, shared_networks
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.fit import NetworkFit
from twolayer.estimators.fit_plan import uses_calibration
from twolayer.estimators.initial_weights import penalty_unit, start_at_mean
from twolayer.estimators.selection.alpha_choice import (
    MOST_SEARCH_ROWS,
    AlphaChoice,
    choose_alpha,
)
from twolayer.estimators.stream_state import ColumnMoments
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.noise import NOISE_MAX_ROWS, noise_std
from twolayer.maths import network
from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import SMOOTH_CLIP, InputClip


class RowFit(NetworkFit):
    """A fit whose rows are in blocks; see NetworkFit. The standardised rows are kept by the workers while it trains."""

    table: TableRows
    trained = False
    sampled: TrainingRows | None = None  # the rows that are with the caller
    noise_rows: TrainingRows | None = None

    def set_rows(self, rows: Any) -> None:
        self.table, task = rows, self.task
        self.rows = self.s = self.y = None  # type: ignore[assignment]
        self.target_steps = TargetSteps(task)
        mean = np.zeros(1)
        if not task.loss.takes_labels:
            moments = table_moments(rows, ColumnSteps(), "y")
            mean = moments.mean
        if task.standardise_y:
            steps, self.targets = table_scaling(rows, moments, ColumnSteps(), "y")
            self.target_steps = TargetSteps(task, steps)
        elif task.loss.has_link:
            _, self.counts = table_scaling(rows, moments, ColumnSteps(), "y")
        self.target_mean, self.unit = mean, penalty_unit(mean[None], None, task.loss)
        self.inputs = table_moments(rows, ColumnSteps(), "x")
        self.total = self.inputs.total
        self.steps: dict[int, ColumnSteps] = {}  # of each view, by its identity

    def column_views(self, before: Params | None) -> list[ColumnView]:
        n_networks = self.plan.n_networks
        if before is None:
            counts = shared_networks(n_networks, len(self.plan.views))
            named = zip(self.plan.views, counts, strict=True)
            return [self.view_of(self.new_clip(name), count) for name, count in named]
        self.check_same_network(before)
        if self.weighing != NO_WEIGHING:
            raise InputError(
                f"warm_start goes on with columns weighed by {self.weighing}, which a table in blocks of rows is not: set "
                "warm_start=False to start anew"
            )
        model = self.model
        clips = clips_of_before(model.input_clip_, model.scaling, False, n_networks)
        return [self.view_of((clip, None), count) for clip, count in clips]

    def new_clip(self, name: str) -> tuple[InputClip | None, np.ndarray | None]:
        """Return the clip of a view of that name, and which columns are constant then."""
        if name != SMOOTH_CLIP:
            return None, None
        quartiles = table_quartiles(self.table, self.total)
        return quartile_clip(quartiles, self.inputs.least, self.inputs.largest)

    def view_of(
        self, clipped: tuple[InputClip | None, np.ndarray | None], n_networks: int
    ) -> ColumnView:
        """Return the view of these columns; its rows are standardised when they are trained on."""
        steps = ColumnSteps(*clipped)
        moments = self.inputs if steps.clip is None else table_moments(self.table, steps, "x")
        steps, inputs = table_scaling(self.table, moments, steps, "x")
        shape_alone = RowBlocks([], self.table.workers, self.shape)
        view = ColumnView(shape_alone, inputs, steps.clip, n_networks, inputs)
        self.steps[id(view)] = steps
        return view

    def start_at_mean(self, params: Params) -> Params:
        return start_at_mean(
            params, self.target_mean[None], None, self.task.loss, n_rows=self.shape[0]
        )

    def count_moments(self) -> ColumnMoments:
        return ColumnMoments.from_scaling(self.counts, self.total)

    @property
    def has_all_rows(self) -> bool:  # type: ignore[override]
        """Whether all rows are with the caller."""
        return self.sampled is not None and self.n_kinds <= MOST_SEARCH_ROWS

    @property
    def n_kinds(self) -> int:
        """The number of different rows."""
        return len(self.table.order.rows)

    def search_alpha(self, **settings: Any) -> AlphaChoice:
        rows = self.sampled or self.sample()
        choice = choose_alpha(rows, self.task, self.rng, **settings)
        if rows.n_rows < self.shape[0] and not self.has_all_rows:
            way = f"{choice.way}, of a sample of {rows.n_rows:,} of {self.shape[0]:,} rows"
            choice = replace(choice, way=way)
        return choice

    def sample(self) -> TrainingRows:
        """Return the rows on which alpha is searched: those that a fit in memory would draw, up to a million rows."""
        numbers = np.arange(self.n_kinds)
        if self.n_kinds > MOST_SEARCH_ROWS:
            numbers = np.sort(self.rng.permutation(self.n_kinds)[:MOST_SEARCH_ROWS])
        self.sampled = self.table.take(numbers)
        return self.sampled

    def run(self, validation: Any) -> None:
        self.take_rows(validation is not None)
        home = RowsHome(self.total)
        for view in self.views:
            steps = self.steps[id(view)]
            view.x = standardised_rows(self.table, steps, self.target_steps, home)
            if isinstance(validation, TableRows):
                view.x_validation = standardised_rows(validation, steps, self.target_steps, None)
        self.table.blocks = []  # the workers need not keep the rows as they were
        super().run(validation)
        self.come_home()
        self.trained = True

    def take_rows(self, held_out: bool) -> None:
        """Take the rows to the caller that are asked for after the training."""
        model = self.model
        told = self.choice is not None or held_out
        asks = uses_calibration(model.calibrate, self.task.smoothing) or self.always_spread
        few = self.n_kinds <= MOST_SEARCH_ROWS and not self.task.loss.has_link
        if self.sampled is None and (few or (asks and not told)):
            self.sample()
        if self.targets is not None and not told and self.n_kinds > NOISE_MAX_ROWS:
            drawn = np.random.default_rng(0).permutation(self.n_kinds)[:NOISE_MAX_ROWS]
            self.noise_rows = self.table.take(np.sort(drawn))

    @property
    def always_spread(self) -> bool:
        """Whether the user asks for networks for the spread."""
        return self.targets is not None and self.model.spread is True

    def set_validation(self, validation: Any) -> None:
        if not isinstance(validation, TableRows):
            super().set_validation(validation)
            return
        blocks = self.views[0].x_validation
        parts = blocks.workers.each(block_targets, blocks.blocks)
        y, s = np.concatenate([y for y, _ in parts]), None
        if parts[0][1] is not None:
            s = np.concatenate([s for _, s in parts])
        self.validation = TrainingRows(blocks, y, s)

    def negative_loss(self, params: Params) -> float:
        blocks = self.view.x_validation
        if not isinstance(blocks, RowBlocks):
            return super().negative_loss(params)
        loss, activation = self.task.loss, self.task.activation
        assert self.validation is not None
        y, s = self.validation.y, self.validation.s
        total = float(len(y) if s is None else s.sum())
        value = -float(
            blocks.workers.sum(block_loss, blocks.blocks, params, loss, activation, total)
        )
        return value / total if loss.is_sum else value

    def validation_outputs(self) -> np.ndarray:
        if not isinstance(self.views[0].x_validation, RowBlocks):
            return super().validation_outputs()
        activation = self.task.activation
        outputs = []
        for view, networks in self.parts:
            blocks = view.x_validation
            each = blocks.workers.each(block_outputs, blocks.blocks, networks, activation)
            outputs.append(np.concatenate(each, axis=1))
        return np.concatenate(outputs)

    def come_home(self) -> None:
        """Take the rows that are with the caller for those of the views: what is asked from here on is about them."""
        shape = 0, self.shape[1]
        rows = self.sampled
        if rows is None:
            task = self.task
            empty = (
                (0,)
                if task.loss.takes_labels and not self.model._several_labels
                else (0, task.n_outputs)
            )
            rows = TrainingRows(np.zeros(shape), np.zeros(empty, dtype=int))
        self.rows, self.s = rows, rows.s
        self.y = (
            self.target_steps.targets(rows.y) if rows.n_rows else np.zeros((0, self.task.n_outputs))
        )
        for view in self.views:
            view.x = view.columns(rows.x)

    def training_noise_std(self) -> np.ndarray:
        rows, alpha = self.noise_rows, self.alpha
        if rows is None:
            return super().training_noise_std()
        each = [(view.columns(rows.x), networks) for view, networks in self.parts]
        share = rows.n_rows / self.n_kinds
        y = self.target_steps.targets(rows.y)
        return noise_std(each, y, rows.s, self.task.activation, alpha * share)


def block_targets(block: RowBlock) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the targets and the weights of the rows."""
    return block.y, block.s


def block_loss(
    block: RowBlock, params: Params, loss: Loss, activation: Activation, total: float
) -> float:
    """Return the block's share of the loss."""
    outputs = network.forward(block.x, params, activation)
    return float(loss.value(outputs, block.y, block.s, total))


def block_outputs(block: RowBlock, networks: list[Params], activation: Activation) -> np.ndarray:
    """Return the outputs of each network, shape (n_networks, n_rows, n_outputs)."""
    return np.stack([network.forward(block.x, one, activation) for one in networks])
