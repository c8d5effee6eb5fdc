"""The edge functions of categorical inputs, a value for each level; and of fine inputs, one for each of many knots."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ._maps import TableMap
from ._norms import SIGNAL_STD

MAX_LEVELS = 32  # a categorical input with more levels gets a factored table
EMBEDDING_DIM = 8


class LookupLayer(nn.Module):
    """The edge functions of categorical inputs: one table per input, summed. Level 0 is unknown and adds nothing.

    A categorical input with more than 32 levels has its table factored through an embedding of 8 dimensions. Codes of
    fine inputs count their knots from 1; between two knots, edge functions are linear.

    Parameters
    ----------
    n_levels : sequence of int
        Levels of each input, level 0 included.
    out_features : int
    n_members : int, optional
        As of `KANLayer`.
    scaled : bool, default=False
        As of `KANLayer`.
    n_places : sequence of int, default=()
        Knots of fine inputs, which follow the categorical ones. Their edge functions start as zero.
    generator : torch.Generator, optional

    Notes
    -----
    Shape: ``(n_samples, n_inputs)``, those of levels integers held in any dtype, ``-> (n_samples, n_units)``,
    `out_features` for each member.
    """

    def __init__(self, n_levels, out_features, n_members=None, scaled=False, n_places=(), generator=None):
        super().__init__()
        self.n_fine, self.out_features = len(n_places), out_features
        self.n_levels = n_levels = [*n_levels, *(n + 1 for n in n_places)]
        n_categorical = len(n_levels) - self.n_fine
        n_units = out_features * (n_members or 1)
        self.direct = [i for i, n in enumerate(n_levels) if n <= MAX_LEVELS + 1 or i >= n_categorical]
        self.factored = [i for i in range(len(n_levels)) if i not in self.direct]
        self.table = nn.Parameter(torch.empty(sum(n_levels[i] for i in self.direct), n_units))
        self.embeddings = nn.ParameterList(torch.empty(n_levels[i], EMBEDDING_DIM) for i in self.factored)
        self.mixing = nn.Parameter(torch.empty(n_units, EMBEDDING_DIM * len(self.factored)))
        self.scale = nn.Parameter(torch.empty(len(n_levels), n_members or 1)) if scaled else None
        sizes = torch.tensor([n_levels[i] for i in self.direct], dtype=torch.int64)
        self.offsets: torch.Tensor
        self.owner: torch.Tensor
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        owner = [i for i in self.direct for _ in range(n_levels[i])]
        self.register_buffer("owner", torch.tensor(owner, dtype=torch.int64), False)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator=None):
        scale = SIGNAL_STD / max(len(self.n_levels) - self.n_fine, 1) ** 0.5
        n_rows = len(self.table) - sum(self.n_levels[len(self.n_levels) - self.n_fine :])
        nn.init.normal_(self.table[:n_rows], generator=generator).mul_(scale)
        self.table[n_rows:] = 0.0
        self.table[self.offsets] = 0.0
        for embedding in self.embeddings:
            nn.init.normal_(embedding, generator=generator)
            embedding[0] = 0.0
        nn.init.normal_(self.mixing, generator=generator).mul_(scale / EMBEDDING_DIM**0.5)
        if self.scale is not None:
            nn.init.ones_(self.scale)

    def scaled(self, weight, owner):
        """Weights of shape (rows, n_units) times the factors of the inputs that rows belong to."""
        if self.scale is None:
            return weight
        return weight * self.scale[owner].repeat_interleave(weight.shape[1] // self.scale.shape[1], 1)

    def linear_maps(self):
        """The linear maps that optimizers may use: the table's, unless it is multiplied or computed."""
        is_plain = self.scale is None and not is_parametrized(self)
        return [TableMap(self)] if is_plain else []

    def mixed(self, chosen, fine, below):
        """Weights of rows of the table, (n_samples, n_rows), with what codes of fine inputs have of the knot beyond."""
        offsets = self.offsets[-self.n_fine :]
        last = torch.tensor(self.n_levels[-self.n_fine :], device=fine.device) - 1
        beyond = (fine - below).to(chosen) * (below > 0)
        chosen = chosen.scatter_add(1, below + offsets, -beyond)
        return chosen.scatter_add(1, torch.minimum(below + 1, last) + offsets, beyond)

    def chosen(self, codes):
        """How much each row of the table counts, (n_samples, n_rows)."""
        codes, fine = codes.long(), codes[:, codes.shape[1] - self.n_fine :]
        direct = codes[:, self.direct]
        chosen = self.table.new_zeros(codes.shape[0], self.table.shape[0])  # len() would be fixed in a trace
        chosen = chosen.scatter(1, direct + self.offsets, (direct > 0).to(chosen))
        return self.mixed(chosen, fine, codes[:, -self.n_fine :]) if self.n_fine else chosen

    def forward(self, codes):
        total = self.table.new_zeros(codes.shape[0], self.table.shape[1])
        if self.direct:
            total = self.chosen(codes) @ self.scaled(self.table, self.owner)
        codes = codes.long()
        if self.factored:
            vectors = [
                F.embedding(codes[:, i], embedding) * (codes[:, i : i + 1] > 0)
                for i, embedding in zip(self.factored, self.embeddings, strict=True)
            ]
            owner = torch.tensor(self.factored, device=codes.device).repeat_interleave(EMBEDDING_DIM)
            total = total + torch.cat(vectors, 1) @ self.scaled(self.mixing.T, owner)
        return total
