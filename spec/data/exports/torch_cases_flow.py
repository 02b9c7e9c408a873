"""Cases of make_torch.py: control flow, scripted for the old exporter, torch.cond and friends for the new."""
from typing import List, Optional, Tuple

import torch
from torch import nn
from make_torch import Case, Function

CASES = []
r = torch.randn


def scripted(name, build, *inputs, **options):
    def make():
        return tuple(r(*x) if isinstance(x, tuple) else x.clone() for x in inputs)
    options.setdefault("script", (11, 13, 17, 20))
    CASES.append(Case(name, build, make, dynamo=(), scripted=True, **options))


class IfSum(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x * 2
        else:
            return x - 1


class IfShape(nn.Module):
    def forward(self, x):
        if x.size(0) > 3:
            y = x[:2] + 1
        elif x.size(1) == 4:
            y = x.flatten(1)[:, :3]
        else:
            y = x.sum(1)
        return y


class ForLoop(nn.Module):
    def forward(self, x, n: int = 3):
        y = x
        for i in range(x.size(1)):
            y = y + x[:, i].unsqueeze(1) * i
        return y


class WhileLoop(nn.Module):
    def forward(self, x):
        n = 0
        while bool(x.sum() < 50.0) and n < 10:
            x = x * 1.5 + 1
            n += 1
        return x, torch.tensor(n)


class Append(nn.Module):
    def forward(self, x):
        parts: List[torch.Tensor] = []
        for i in range(x.size(0)):
            parts.append(x[i] * i)
        return torch.stack(parts), torch.cat(parts)


class Nested(nn.Module):
    def forward(self, x):
        total = torch.zeros_like(x[0])
        for i in range(x.size(0)):
            for j in range(x.size(1)):
                if bool(x[i, j].sum() > 0):
                    total = total + x[i, j]
                else:
                    total = total - x[i, j]
        return total


class Greedy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.cell, self.out = nn.Embedding(7, 5), nn.GRUCell(5, 6), nn.Linear(6, 7)

    def forward(self, token, steps: torch.Tensor):
        h = torch.zeros(token.size(0), 6)
        made: List[torch.Tensor] = []
        for _ in range(int(steps)):
            h = self.cell(self.embed(token), h)
            token = self.out(h).argmax(1)
            made.append(token)
        return torch.stack(made, 1)


class BreakLoop(nn.Module):
    def forward(self, x):
        i = 0
        y = torch.zeros(1)
        while i < x.size(0):
            y = y + x[i].sum()
            if bool(y > 1000.0):
                break
            i += 1
        return y


class Maybe(nn.Module):
    def forward(self, x, mask: Optional[torch.Tensor] = None) -> torch.Tensor:
        if mask is not None:
            x = x * mask
        return x.relu()


class Tuples(nn.Module):
    def forward(self, x) -> Tuple[torch.Tensor, List[torch.Tensor]]:
        a, b = x.chunk(2, 1)
        return a, [b, a + b]


class EmptySelect(nn.Module):
    def forward(self, x):
        keep = torch.nonzero(x[:, 0] > 100).squeeze(1)
        if keep.numel() == 0:
            return torch.zeros(0, 4)
        return x[keep]


class PadToMultiple(nn.Module):
    def forward(self, x):
        extra = (4 - x.size(1) % 4) % 4
        if extra > 0:
            x = nn.functional.pad(x, [0, extra])
        return x.reshape(x.size(0), -1, 4)


scripted("if_sum", IfSum, torch.ones(2, 3))
scripted("if_sum_neg", IfSum, -torch.ones(2, 3))
scripted("if_shape", IfShape, (2, 4))
scripted("for_loop", ForLoop, (2, 3))
scripted("while_loop", WhileLoop, torch.ones(2, 3))
scripted("append", Append, (3, 2, 4))
scripted("nested", Nested, (3, 2, 4))
scripted("greedy", Greedy, torch.tensor([1, 3]), torch.tensor(4), batch=False)
scripted("break_loop", BreakLoop, (3, 2))
scripted("maybe", Maybe, (3, 2), (3, 2))
scripted("tuples", Tuples, (3, 4))
scripted("empty_select", EmptySelect, (3, 4))
scripted("pad_multiple", PadToMultiple, (3, 6))
scripted("script_lstm", lambda: nn.LSTM(3, 4, bidirectional=True), (5, 2, 3), batch=False)
scripted("script_conv", lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), (2, 3, 6, 6))


def f(name, function, *inputs, **options):
    def make():
        return tuple(r(*x) if isinstance(x, tuple) else x.clone() for x in inputs)
    options.setdefault("dynamo", (20, 23))
    CASES.append(Case(name, lambda: Function(function), make, script=(), **options))


f("cond", lambda x: torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - 1, (x,)), torch.ones(2, 3))
f("cond_false", lambda x: torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - 1, (x,)), -torch.ones(2, 3))
f("cond_two", lambda x, y: torch.cond(x.sum() > y.sum(), lambda x, y: (x @ y.t(), x), lambda x, y: (y @ x.t(), y), (x, y)), (2, 3), (2, 3))
f("cond_nested", lambda x: torch.cond(x.sum() > 0, lambda x: torch.cond(x.max() > 2, lambda x: x * 2, lambda x: x * 3, (x,)),
                                      lambda x: x - 1, (x,)), torch.ones(2, 3))


class CondWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(3, 4)

    def forward(self, x):
        return torch.cond(x.mean() > 0, lambda x: self.a(x), lambda x: self.b(x).relu(), (x,))


CASES.append(Case("cond_weights", CondWeights, lambda: (r(2, 3),), script=()))
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop

f("while_hop", lambda x: while_loop(lambda i, x: i < 4, lambda i, x: (i + 1, x * 1.5), (torch.tensor(0), x)), (2, 3))
f("scan_hop", lambda x: scan(lambda c, t: (c + t, c * t), torch.zeros(3), x), (5, 3))
f("checks", lambda x, n: x[:, :n.item()] if torch._check(n.item() > 0) or torch._check(n.item() <= x.size(1)) else x[:, :n.item()], (2, 5), torch.tensor(3), batch=False)
f("nonzero_count", lambda x: x[(x[:, 0] > 0).nonzero().squeeze(1)].sum(0), (4, 3))
