"""Cases of make_torch.py: tensor operations, one expression a case."""
import torch
from make_torch import Case, Function

F = torch.nn.functional
CASES = []
r = torch.randn


def f(name, function, *inputs, **options):
    """Inputs: shapes (normal numbers) or tensors."""
    def make():
        return tuple(r(*x) if isinstance(x, tuple) else x.clone() for x in inputs)
    options.setdefault("script", (9, 13, 18))
    options.setdefault("dynamo", (20, 23))
    CASES.append(Case(name, lambda: Function(function), make, **options))


X = (2, 3, 4)
HARD = torch.tensor([[0.0, -0.0, float("nan"), float("inf")], [float("-inf"), 1.5, -2.5, 0.5]])
INTS = torch.tensor([[7, -7, 5, -1], [0, 3, -9, 12]])
DIVS = torch.tensor([[2, 2, -3, 4], [5, -2, 4, -5]])

# One argument, by name
for name in """abs acos acosh angle asin asinh atan atanh ceil cos cosh deg2rad erf erfc erfinv exp exp2 expm1 fix floor frac i0
isfinite isinf isnan isneginf isposinf isreal lgamma log log10 log1p log2 logit nan_to_num neg positive rad2deg reciprocal relu round
rsqrt sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc logical_not special.digamma special.entr special.erfcx
special.expit special.i0e special.i1 special.log_ndtr special.ndtr special.ndtri special.psi special.xlog1py""".split():
    function = torch
    for part in name.split("."):
        function = getattr(function, part)
    if name == "special.xlog1py":
        f("un_xlog1py", lambda x, y, g=function: g(x, y.abs()), X, X)
        continue
    tag = name.replace("special.", "")
    f("un_" + tag, function, X)
    f("un_hard_" + tag, function, HARD, script=(13,), dynamo=(20,), dynamic=False)
    if name in "abs sign neg square sgn".split():
        f("un_int_" + tag, function, INTS, script=(13,))
for decimals in (2, -1):
    f(f"round_decimals_{decimals}", lambda x, d=decimals: torch.round(x * 37, decimals=d), X)

# Two arguments
for name in """add sub mul div atan2 copysign fmod remainder floor_divide fmax fmin maximum minimum max min pow hypot logaddexp
logaddexp2 true_divide xlogy eq ne lt le gt ge logical_and logical_or logical_xor heaviside ldexp special.zeta float_power
nextafter isclose dist cross vdot""".split():
    function = torch
    for part in name.split("."):
        function = getattr(function, part)
    tag = name.replace("special.", "")
    if name == "vdot":
        f("bin_vdot", function, (4,), (4,))
        continue
    positive = name in "pow xlogy float_power special.zeta".split()
    g = (lambda x, y, g=function: g(x.abs() + 1.1, y.abs() + 0.2)) if positive else function
    f("bin_" + tag, g, (2, 1, 3), (4, 3) if name not in ("dist", "cross") else (2, 1, 3), batch=False)
    if name in "add sub mul fmod remainder floor_divide maximum minimum eq lt true_divide logical_and".split():
        f("bin_int_" + tag, function, INTS, DIVS)
        f("bin_hard_" + tag, function, HARD, HARD.flip(0), script=(13,), dynamo=(20,))
        for scalar in (3, -3, 2.5):
            f(f"scalar_{tag}_{scalar}", lambda x, g=function, s=scalar: g(x, torch.tensor(s)), X, script=(13,))
            f(f"scalar_int_{tag}_{scalar}", lambda x, g=function, s=scalar: g(x, torch.tensor(s)), INTS, script=(13,))
for mode in ("trunc", "floor", None):
    f(f"div_{mode}", lambda x, y, k=mode: torch.div(x, y, rounding_mode=k), X, X)
    f(f"div_int_{mode}", lambda x, y, k=mode: torch.div(x, y, rounding_mode=k), INTS, DIVS)
    f(f"div_i32_{mode}", lambda x, y, k=mode: torch.div(x, y, rounding_mode=k), INTS.int(), DIVS.int())
f("fmod_neg", lambda x, y: (torch.fmod(x * 10, 3), torch.remainder(x * 10, 3), torch.remainder(x * 10, -3.0)), X, X)
f("mod_i32", lambda x, y: (x % y, torch.fmod(x, y), x // y), INTS.int(), DIVS.int())
f("python_ops", lambda x, y: (x // y, x % y, -x, abs(x), x ** 2, 2 ** x, 1 / x, 3 - x, x / 2, x @ y.transpose(1, 2)), X, X)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"):
    g = getattr(torch, name)
    for dtype in (torch.int64, torch.int32, torch.uint8, torch.int8):
        f(f"{name}_{str(dtype)[6:]}", lambda x, y, g=g: g(x, y), torch.tensor([5, 12, 7, 100], dtype=dtype),
          torch.tensor([1, 3, 2, 5], dtype=dtype), script=(18,))
f("bitwise_not", lambda x: torch.bitwise_not(x), INTS, script=(18,))
f("bool_ops", lambda x, y: ((x > 0) & (y > 0), (x > 0) | (y > 0), (x > 0) ^ (y > 0), ~(x > 0)), X, X)
f("shift_negative", lambda x: (x >> 1, x << 2), INTS)
f("gcd_lcm", lambda x, y: torch.gcd(x, y), INTS, DIVS)
f("addcmul", lambda x, y, z: (torch.addcmul(x, y, z, value=0.5), torch.addcdiv(x, y, z, value=2), torch.lerp(x, y, 0.3), torch.lerp(x, y, z)), X, X, X)
f("rsub", lambda x, y: torch.rsub(x, y, alpha=2), X, X)
f("add_alpha", lambda x, y: torch.add(x, y, alpha=3) - torch.sub(x, y, alpha=0.5), X, X)
f("clamp", lambda x: (x.clamp(-0.5, 0.5), x.clamp(min=0.1), x.clamp(max=0.1)), X)
f("clamp_tensor", lambda x, a, b: x.clamp(a, b), X, (3, 4), (3, 4), batch=False)
f("clamp_int", lambda x: x.clamp(-2, 5), INTS)
f("clamp_hard", lambda x: x.clamp(-1, 1), HARD)
f("where", lambda x, y: (torch.where(x > 0, x, y), torch.where(x > 0, 1.0, y), torch.where(x > y, x, 0)), X, X)
f("where_types", lambda x, y: torch.where(x > 0, y, 1.5), X, INTS.reshape(2, 1, 4), batch=False)
f("masked_fill", lambda x: (x.masked_fill(x > 0, 2.0), x.masked_fill(x < 0, float("-inf"))), X)
f("masked_select", lambda x: torch.masked_select(x, x > 0), X)
f("masked_scatter", lambda x, y: x.masked_scatter(x > 0, y), X, X)

# Reductions
for name in ("sum", "mean", "prod", "amax", "amin", "var", "std", "logsumexp", "any", "all", "argmax", "argmin", "median", "nansum",
             "nanmean", "count_nonzero", "max", "min", "aminmax", "var_mean", "std_mean"):
    g = getattr(torch, name)
    if name not in ("logsumexp", "aminmax"):
        f(f"red_{name}_all", lambda x, g=g: g(x), X)
    if name == "aminmax":
        f("red_aminmax", lambda x: torch.aminmax(x, dim=1), X)
        continue
    f(f"red_{name}_dim", lambda x, g=g: tuple(g(x, dim=1)) if isinstance(g(x, dim=1), tuple) else g(x, dim=1), X)
    if name not in ("count_nonzero",):
        f(f"red_{name}_keep", lambda x, g=g: tuple(g(x, dim=-1, keepdim=True)) if isinstance(g(x, dim=-1, keepdim=True), tuple) else g(x, dim=-1, keepdim=True), X)
    if name in ("sum", "mean", "amax", "amin", "var", "std", "logsumexp", "count_nonzero", "nansum", "nanmean"):
        f(f"red_{name}_dims", lambda x, g=g: g(x, dim=(0, 2)), X, batch=False)
    if name in ("sum", "prod", "amax", "any", "max", "argmax"):
        f(f"red_int_{name}", lambda x, g=g: g(x), INTS)
f("sum_bool", lambda x: (x > 0).sum(1), X)
f("sum_dtype", lambda x: x.sum(1, dtype=torch.float64), X)
f("mean_int", lambda x: x.float().mean(1), INTS)
f("var_biased", lambda x: (x.var(1, unbiased=False), x.std(correction=0), x.var(correction=2)), X)
f("kthvalue", lambda x: torch.kthvalue(x, 2, dim=1), X)
f("mode", lambda x: torch.mode(x, 1)[0], INTS)
f("quantile", lambda x: torch.quantile(x, 0.3, dim=1), X)
for p in (1, 2, 3, 0, 0.5, float("inf"), float("-inf"), "fro"):
    f(f"norm_{p}", lambda x, p=p: (torch.norm(x, p, dim=-1) if p != "fro" else torch.norm(x), torch.linalg.vector_norm(x, 2 if p == "fro" else p, dim=1)), X)
f("normalize", lambda x: F.normalize(x, dim=1), X)
f("normalize_l1", lambda x: F.normalize(x, p=1.0, dim=-1), X)
f("matrix_norm", lambda x: torch.linalg.matrix_norm(x), X)
for name in ("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin"):
    g = getattr(torch, name)
    for dim in (0, -1):
        f(f"{name}_{dim}", lambda x, g=g, d=dim: tuple(g(x, dim=d)) if isinstance(g(x, dim=d), tuple) else g(x, dim=d), X, batch=False)
f("cumsum_int", lambda x: x.cumsum(1), INTS)
f("cumsum_bool", lambda x: (x > 0).cumsum(1), X)
f("cumsum_dtype", lambda x: x.cumsum(1, dtype=torch.float64), X)
f("diff", lambda x: torch.diff(x, dim=1), X)
f("diff_n", lambda x: torch.diff(x, n=2, dim=2), X)

# Order and sets
f("sort", lambda x: torch.sort(x, dim=1), X)
f("sort_desc", lambda x: torch.sort(x, dim=-1, descending=True), X)
f("sort_stable", lambda x: torch.sort(x, dim=-1, stable=True), INTS)
f("argsort", lambda x: (x.argsort(1), x.argsort(-1, descending=True)), X)
f("msort", lambda x: torch.msort(x), X)
f("topk", lambda x: torch.topk(x, 2, dim=1), X)
f("topk_small", lambda x: torch.topk(x, 3, dim=-1, largest=False), X)
f("topk_int", lambda x: torch.topk(x, 3), INTS)
f("topk_dynamic_k", lambda x: torch.topk(x, min(2, x.shape[1]), dim=1), X)
f("unique", lambda x: torch.unique(x), INTS % 4)
f("unique_all", lambda x: torch.unique(x, return_inverse=True, return_counts=True), INTS % 4)
f("unique_dim", lambda x: torch.unique(x, dim=0), torch.tensor([[1, 2], [0, 1], [1, 2]]))
f("unique_consecutive", lambda x: torch.unique_consecutive(x), torch.tensor([1, 1, 2, 2, 3, 1, 1]))
f("nonzero", lambda x: torch.nonzero(x > 0), X)
f("nonzero_tuple", lambda x: torch.nonzero(x > 0, as_tuple=True), X)
f("argwhere", lambda x: torch.argwhere(x > 0), X)
f("searchsorted", lambda x, y: torch.searchsorted(x.sort()[0], y), (8,), (3,))
f("bucketize", lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0])), X)
f("histc", lambda x: torch.histc(x, 5, -2, 2), X)
f("bincount", lambda x: torch.bincount(x, minlength=6), torch.tensor([1, 1, 3, 5, 0]))
f("isin", lambda x: torch.isin(x, torch.tensor([3, 5, -1])), INTS)
f("one_hot", lambda x: F.one_hot(x.abs() % 5, 5), INTS)
f("tril_triu", lambda x: (torch.tril(x), torch.triu(x, 1), torch.tril(x, -1)), X)
f("tril_triu_bool", lambda x: (torch.tril(x > 0), torch.triu(x > 0, 1)), X)
f("tri_indices", lambda x: x[torch.triu_indices(3, 3)[0]], (3, 4), dynamic=False)
f("causal_mask", lambda x: torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), diagonal=1), X)

# Shapes
for name, g in {
    "reshape": lambda x: x.reshape(x.shape[0], -1), "view": lambda x: x.view(-1, 4), "flatten": lambda x: x.flatten(1),
    "unflatten": lambda x: x.unflatten(2, (2, 2)), "squeeze": lambda x: x[:, :1].squeeze(1), "squeeze_all": lambda x: x[:1, :1].squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(1).unsqueeze(-1), "transpose": lambda x: x.transpose(1, 2), "permute": lambda x: x.permute(2, 0, 1),
    "t": lambda x: x[0].t(), "movedim": lambda x: x.movedim(0, 2), "swapaxes": lambda x: x.swapaxes(0, 1), "expand": lambda x: x[:, :1].expand(-1, 5, -1),
    "expand_as": lambda x: x[:, :1].expand_as(x), "repeat": lambda x: x.repeat(2, 1, 3), "repeat_more": lambda x: x.repeat(2, 1, 1, 2),
    "tile": lambda x: x.tile((2, 2)), "repeat_interleave": lambda x: x.repeat_interleave(3, dim=1), "repeat_interleave_flat": lambda x: x.repeat_interleave(2),
    "repeat_interleave_t": lambda x: x.repeat_interleave(torch.tensor([1, 2, 0]), dim=1),
    "cat": lambda x: torch.cat([x, x * 2, x[:, :1]], 1), "stack": lambda x: torch.stack([x, -x], 1), "split": lambda x: x.split(2, 1),
    "split_sizes": lambda x: x.split([1, 2], 1), "chunk": lambda x: x.chunk(2, 2), "tensor_split": lambda x: x.tensor_split(2, 1), "unbind": lambda x: x.unbind(1),
    "hstack": lambda x: torch.hstack([x, x]), "vstack": lambda x: torch.vstack([x, x]), "dstack": lambda x: torch.dstack([x, x]),
    "block_diag": lambda x: torch.block_diag(x[0], x[0]), "roll": lambda x: x.roll(1, 1), "roll_multi": lambda x: x.roll((1, -2), (1, 2)), "roll_flat": lambda x: x.roll(3),
    "flip": lambda x: x.flip(1), "flip_multi": lambda x: x.flip(0, 2), "fliplr": lambda x: torch.fliplr(x), "rot90": lambda x: torch.rot90(x, 1, (1, 2)),
    "rot180": lambda x: torch.rot90(x, 2, (1, 2)), "narrow": lambda x: x.narrow(1, 1, 2), "select": lambda x: x.select(1, 2), "slice": lambda x: x[:, 1:, ::2],
    "slice_negative": lambda x: x[:, -2:, :-1], "unfold_view": lambda x: x.unfold(2, 2, 1), "unfold_step": lambda x: x.unfold(1, 2, 1).sum(-1), "diag": lambda x: torch.diag(x[0, 0]),
    "diagonal": lambda x: torch.diagonal(x, 0, 1, 2), "diag_embed": lambda x: torch.diag_embed(x), "trace": lambda x: torch.trace(x[0]),
    "as_strided": lambda x: torch.as_strided(x, (2, 2), (4, 1), 1), "meshgrid": lambda x: torch.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"),
    "meshgrid_xy": lambda x: torch.meshgrid(x[0, 0], x[0, :, 0], indexing="xy"), "broadcast_tensors": lambda x: torch.broadcast_tensors(x[:, :1], x[:1]),
    "cartesian": lambda x: torch.cartesian_prod(x[0, 0], x[0, 1]), "shape_of": lambda x: torch.tensor(x.shape[1]) * torch.ones(x.shape[2]), "numel": lambda x: x / x.numel(),
    "size_math": lambda x: x.reshape(x.size(0) * x.size(1), x.size(2) // 2, 2), "zeros_like": lambda x: (torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 2.5)),
    "new_zeros": lambda x: (x.new_zeros(x.shape[0], 2), x.new_full((2,), 3.0), x.new_ones(x.shape[1])), "arange": lambda x: torch.arange(x.shape[1]) + x[0, :, 0],
    "arange_step": lambda x: torch.arange(0, x.shape[2], 2, dtype=torch.float32), "arange_float": lambda x: torch.arange(0.5, 3.0, 0.3) + x[0, 0, 0],
    "linspace": lambda x: torch.linspace(-1, 1, 7) * x[0, 0, 0], "linspace_dynamic": lambda x: torch.linspace(0, 1, x.shape[2]) * x, "logspace": lambda x: torch.logspace(0, 2, 4) * x[0, 0, 0], "eye": lambda x: torch.eye(4) + x,
    "eye_dynamic": lambda x: torch.eye(x.shape[1]) @ x, "full": lambda x: torch.full((x.shape[0], 3), 7.0) + x[:, :, 0], "zeros_int": lambda x: torch.zeros(x.shape[1], dtype=torch.long),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1)), "pad_value": lambda x: F.pad(x, (1, 0), value=-1.5), "pad_negative": lambda x: F.pad(x, (-1, 2)), "pad_reflect": lambda x: F.pad(x, (1, 2), mode="reflect"),
    "pad_replicate": lambda x: F.pad(x, (3, 4), mode="replicate"), "pad_circular": lambda x: F.pad(x, (2, 1), mode="circular"), "pad_dynamic": lambda x: F.pad(x, (0, x.shape[1])),
    "pad_bool": lambda x: F.pad(x > 0, (1, 1), value=True), "empty_slice": lambda x: x[:, 3:], "cat_empty": lambda x: torch.cat([x[:, 3:], x], 1),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x.reshape(1, 4, 2, 3), 2), "contiguous": lambda x: x.transpose(0, 1).contiguous().view(-1), "detach": lambda x: x.detach().clone(),
    "ravel": lambda x: x.ravel(), "atleast": lambda x: torch.atleast_3d(x[0]), "channels_last": lambda x: x.unsqueeze(0).contiguous(memory_format=torch.channels_last) * 2,
    "inplace": lambda x: x.clone().add_(1).mul_(2).clamp_(min=0), "index_assign": lambda x: assign(x), "int_index": lambda x: x[0] + x[-1], "ellipsis": lambda x: x[..., 1], "none_index": lambda x: x[:, None, :, 0],
}.items():
    f("shape_" + name, g, X)


def assign(x):
    y = x.clone()
    y[:, 1] = 0
    y[:, :, 1:3] = 7
    y[y > 1] = -1
    y[0, 0, 0] = 5
    return y


# Indexing
I = torch.tensor([2, 0, 1])
J = torch.tensor([[0, 2], [1, 1]])
for name, g in {
    "list": lambda x, i: x[:, i], "two": lambda x, i: x[0][i, i], "two_lists": lambda x, i: x[:, i, i], "apart": lambda x, i: x[i % 2, :, i], "matrix": lambda x, i: x[:, J], "mixed": lambda x, i: x[0, i, 1:],
    "bool": lambda x, i: x[x > 0], "bool_rows": lambda x, i: x[:, torch.tensor([True, False, True])], "bool_first": lambda x, i: x[x[:, 0, 0] > -9],
    "none": lambda x, i: x[:, i, None], "negative": lambda x, i: x[:, i - 3], "three": lambda x, i: x[i % 2, i, i], "step_list": lambda x, i: x[::1, i, ::2],
    "index_select": lambda x, i: x.index_select(1, i), "take": lambda x, i: x.take(i), "take_along": lambda x, i: torch.take_along_dim(x, i.reshape(1, 3, 1), 1),
    "gather": lambda x, i: x.gather(1, i.reshape(1, 3, 1).expand(2, 3, 4)), "gather_neg_dim": lambda x, i: x.gather(-1, i.reshape(1, 1, 3).expand(2, 3, 3)),
    "scatter": lambda x, i: x.scatter(1, i.reshape(1, 3, 1).expand(2, 3, 4), x * 2), "scatter_value": lambda x, i: x.scatter(1, i.reshape(1, 3, 1).expand(2, 3, 4), 5.0),
    "scatter_add": lambda x, i: x.scatter_add(1, (i // 2).reshape(1, 3, 1).expand(2, 3, 4), x), "scatter_add_small": lambda x, i: x.scatter_add(2, i.reshape(1, 1, 3).expand(1, 2, 3), x),
    "index_add": lambda x, i: x.index_add(1, i // 2, x, alpha=2), "index_copy": lambda x, i: x.index_copy(1, i, x * 3), "index_fill": lambda x, i: x.index_fill(1, i[:2], 9.0),
    "index_put": lambda x, i: x.index_put((torch.tensor([0, 1]), i[:2]), torch.zeros(2, 4)), "index_put_acc": lambda x, i: x.index_put((torch.tensor([0, 0]), i[:1].expand(2)), torch.ones(2, 4), accumulate=True),
    "index_put_bool": lambda x, i: x.index_put((x > 0,), torch.tensor(3.0)), "select_scatter": lambda x, i: torch.select_scatter(x, x[:, 0], 1, 2), "slice_scatter": lambda x, i: torch.slice_scatter(x, x[:, :1], 1, 2, 3),
    "diagonal_scatter": lambda x, i: torch.diagonal_scatter(x[0], x[0, :, 0]), "assign_slice": lambda x, i: put(x, (slice(None), slice(1, 3)), 4.0), "assign_list": lambda x, i: put(x, (slice(None), i[:2]), -1.0),
    "assign_tensor": lambda x, i: put(x, (0, i), torch.arange(12.0).reshape(3, 4)), "assign_step": lambda x, i: put(x, (Ellipsis, slice(0, None, 2)), 1.0), "assign_add": lambda x, i: put(x, (slice(None), 0), x[:, 1] + 1),
    "embedding": lambda x, i: F.embedding(i, x[0]), "tensor_scalar": lambda x, i: x[:, i[0]], "argmax_gather": lambda x, i: x.gather(2, x.argmax(2, keepdim=True)),
}.items():
    f("index_" + name, g, X, I, batch=False)
for reduce in ("sum", "prod", "mean", "amax", "amin"):
    for include in (True, False):
        f(f"scatter_reduce_{reduce}_{include}", lambda x, y, k=reduce, n=include: x.scatter_reduce(
            1, torch.tensor([[0, 0, 2], [1, 1, 1]]), y, k, include_self=n), (2, 3), (2, 3), script=(18,), batch=False)
for reduce in ("add", "multiply"):
    f(f"scatter_{reduce}", lambda x, k=reduce: x.scatter(1, torch.tensor([[0, 0, 2], [1, 1, 1]]), 2.0, reduce=k), (2, 3), script=(18,), batch=False)


def put(x, where, value):
    y = x.clone()
    y[where] = value
    return y


# Products
for equation, shapes in {
    "ij,jk->ik": ((2, 3), (3, 4)), "bij,bjk->bik": (X, (2, 4, 5)), "bhqd,bhkd->bhqk": ((2, 3, 4, 5), (2, 3, 6, 5)), "ii->i": ((3, 3),), "ii": ((3, 3),), "ij->ji": ((2, 3),),
    "...ij,...jk->...ik": ((2, 1, 3, 4), (5, 4, 2)), "i,j->ij": ((3,), (4,)), "ij,ij->": ((2, 3), (2, 3)), "bnij,nij->bn": ((2, 3, 4, 5), (3, 4, 5)), "ijk,jil->kl": ((2, 3, 4), (3, 2, 5)),
    "i,ij,j->": ((2,), (2, 3), (3,)), "bcd,bcd->bc": (X, X), "bhwc,hkc->bhwk": ((2, 3, 4, 5), (3, 6, 5)), "ij,k->ijk": ((2, 3), (4,)), "...d->...": (X,), "bij->b": (X,),
}.items():
    tag = "".join(ch if ch.isalnum() else "_" for ch in equation)
    f("einsum_" + tag, lambda *x, e=equation: torch.einsum(e, *x), *shapes, script=(12, 18), batch=False)
for name, g, shapes in (
    ("mm", torch.mm, ((2, 3), (3, 4))), ("bmm", torch.bmm, (X, (2, 4, 5))), ("mv", torch.mv, ((2, 3), (3,))), ("dot", torch.dot, ((3,), (3,))), ("outer", torch.outer, ((3,), (4,))),
    ("matmul_vec", torch.matmul, ((2, 3, 4), (4,))), ("vec_matmul", torch.matmul, ((3,), (2, 3, 4))), ("matmul_bcast", torch.matmul, ((5, 1, 3, 4), (2, 4, 6))), ("vec_vec", torch.matmul, ((4,), (4,))),
    ("addmm", lambda a, b, c: torch.addmm(a, b, c, beta=0.5, alpha=2), ((2, 4), (2, 3), (3, 4))), ("addmm_vec", torch.addmm, ((4,), (2, 3), (3, 4))), ("baddbmm", lambda a, b, c: torch.baddbmm(a, b, c, beta=0.5, alpha=2), ((2, 3, 5), X, (2, 4, 5))),
    ("addbmm", torch.addbmm, ((3, 5), X, (2, 4, 5))), ("addmv", torch.addmv, ((2,), (2, 3), (3,))), ("addr", torch.addr, ((3, 4), (3,), (4,))), ("kron", torch.kron, ((2, 2), (2, 3))), ("tensordot", lambda a, b: torch.tensordot(a, b, dims=([1, 2], [0, 1])), (X, (3, 4, 5))),
    ("inner", torch.inner, ((2, 3), (4, 3))), ("chain", lambda a, b, c: torch.linalg.multi_dot([a, b, c]), ((2, 3), (3, 4), (4, 2))), ("cdist", torch.cdist, (X, (2, 5, 4))), ("cdist1", lambda a, b: torch.cdist(a, b, p=1.0), (X, (2, 5, 4))),
    ("cdist_nommu", lambda a, b: torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist"), (X, (2, 5, 4))), ("pdist", F.pdist, ((4, 3),)), ("cosine", lambda a, b: F.cosine_similarity(a, b, dim=-1), (X, X)), ("bilinear", F.bilinear, ((2, 3), (2, 4), (5, 3, 4))),
    ("linear_nobias", F.linear, ((2, 3), (4, 3))), ("gram", lambda a: a @ a.transpose(-1, -2), (X,)), ("matrix_power", lambda a: torch.linalg.matrix_power(a, 3), ((3, 3),)), ("cross_linalg", lambda a, b: torch.linalg.cross(a, b), ((2, 3), (2, 3))), ("vander", torch.vander, ((4,),)),
):
    f("mat_" + name, g, *shapes, batch=False)
f("matmul_int", lambda x, y: x @ y.t(), INTS, DIVS)
f("matmul_i32", lambda x, y: x @ y.t(), INTS.int(), DIVS.int())
f("matmul_f64", lambda x, y: x.double() @ y.double(), (2, 3), (3, 4))
for name, g in {"det": torch.det, "inverse": torch.inverse, "logdet": lambda x: torch.logdet(x @ x.t() + torch.eye(3)), "slogdet": torch.slogdet, "solve": lambda x: torch.linalg.solve(x, x[:, :2]),
                "cholesky": lambda x: torch.linalg.cholesky(x @ x.t() + torch.eye(3)), "eigh": lambda x: torch.linalg.eigvalsh(x + x.t()), "qr": lambda x: torch.linalg.qr(x), "svd": lambda x: torch.linalg.svdvals(x), "pinv": torch.linalg.pinv, "matrix_exp": torch.matrix_exp,
                "triangular": lambda x: torch.linalg.solve_triangular(x.tril() + 3 * torch.eye(3), x, upper=False), "lu": lambda x: torch.linalg.lu(x)}.items():
    f("linalg_" + name, g, (3, 3), script=(13,), batch=False)

# Types
KINDS = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool)
for a in KINDS:
    for b in KINDS:
        if a != b:
            f(f"cast_{str(a)[6:]}_{str(b)[6:]}", lambda x, b=b: x.to(b), (torch.tensor([0, 1, 2, 3, 100.6]) if a != torch.bool else torch.tensor([0, 1])).to(a), script=(13,), dynamo=(20,), dynamic=False)
for t in (torch.float16, torch.bfloat16, torch.float64):
    tag = str(t)[6:]
    x = r(2, 3, 4).to(t)
    for name, g in {"add": lambda x: x + 1.5, "matmul": lambda x: x @ x.transpose(1, 2), "softmax": lambda x: x.softmax(-1), "layer_norm": lambda x: F.layer_norm(x, (4,)), "gelu": F.gelu, "sum": lambda x: x.sum(1), "exp": torch.exp, "conv": lambda x: F.conv1d(x, x.new_ones(2, 3, 2)),
                    "mean": lambda x: x.mean(-1), "sigmoid": torch.sigmoid, "var": lambda x: x.var(-1), "where": lambda x: torch.where(x > 0, x, 0), "max": lambda x: x.max(), "cumsum": lambda x: x.cumsum(1), "maxpool": lambda x: F.max_pool1d(x, 2), "norm": lambda x: x.norm(dim=1), "clamp": lambda x: x.clamp(-1, 1), "topk": lambda x: x.topk(2),
                    "silu": F.silu, "rsqrt": lambda x: x.abs().rsqrt(), "interp": lambda x: F.interpolate(x, scale_factor=2, mode="linear"), "batch_norm": lambda x: F.batch_norm(x, x.new_zeros(3), x.new_ones(3)), "pow": lambda x: x.abs() ** 1.5, "round": torch.round, "avgpool": lambda x: F.avg_pool1d(x, 2), "group_norm": lambda x: F.group_norm(x, 3),
                    "logsoftmax": lambda x: x.log_softmax(-1), "tanh": torch.tanh, "erf": torch.erf, "einsum": lambda x: torch.einsum("bij,bkj->bik", x, x), "sin": torch.sin, "prod": lambda x: x.prod(-1), "std": lambda x: x.std(1), "logsumexp": lambda x: x.logsumexp(1), "fmod": lambda x: x % 0.75, "hardswish": F.hardswish, "instance_norm": lambda x: F.instance_norm(x)}.items():
        f(f"{tag}_{name}", g, x, script=(13, 18), dynamo=(20,), dynamic=False)
f("autocast", lambda x, y: (x.half() @ y.half()).float() + 1, (2, 3), (3, 4))
f("type_promotion", lambda x, i: (x + i, i / 2, i * 2.5, i.bool() + 1, i.float().mean(), (i > 0).float()), (2, 4), INTS)
f("u8_math", lambda x: (x + 100, x * 3, x // 7, x % 7, x - 10, x > 100), torch.tensor([200, 100, 3], dtype=torch.uint8), script=(13, 18))
f("i8_math", lambda x: (x + 100, x * 3, -x, x // 7, x.abs()), torch.tensor([100, -100, 3], dtype=torch.int8), script=(13, 18))
f("i16_math", lambda x: (x + 100, x * 3, x.max(), x.sum()), torch.tensor([30000, -100, 3], dtype=torch.int16), script=(13, 18))
f("float_to_u8_image", lambda x: (x.clamp(0, 1) * 255).round().to(torch.uint8), X)
f("f8", lambda x: x.to(torch.float8_e4m3fn).float(), X, script=())
f("f8_e5m2", lambda x: x.to(torch.float8_e5m2).float(), X, script=())
f("item", lambda x: x * x.shape[0] + float(x.shape[1]), X)

# Complex and spectra
f("fft", lambda x: torch.view_as_real(torch.fft.fft(x)), (3, 8), script=(17, 20))
f("fft_odd", lambda x: torch.view_as_real(torch.fft.fft(x, norm="ortho")), (3, 7), script=(17, 20))
f("ifft", lambda x: torch.view_as_real(torch.fft.ifft(torch.view_as_complex(x))), (3, 8, 2), script=(17, 20))
f("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), (3, 8), script=(17, 20))
f("irfft", lambda x: torch.fft.irfft(torch.view_as_complex(x)), (3, 5, 2), script=(17, 20))
f("irfft_n", lambda x: torch.fft.irfft(torch.view_as_complex(x), n=9), (3, 5, 2), script=(17, 20))
f("rfft_n", lambda x: torch.view_as_real(torch.fft.rfft(x, n=6)), (3, 8), script=(17, 20))
f("rfft_pad", lambda x: torch.view_as_real(torch.fft.rfft(x, n=12)), (3, 8), script=(17, 20))
f("fft2", lambda x: torch.view_as_real(torch.fft.fft2(x)), (3, 4, 6), script=(17, 20))
f("rfft2", lambda x: torch.view_as_real(torch.fft.rfft2(x)), (3, 4, 6), script=(17, 20))
f("irfft2", lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 2), (3, 4, 6), script=(17, 20))
f("fftn_norm", lambda x: torch.view_as_real(torch.fft.fftn(x, dim=(0, 2), norm="forward")), (3, 4, 6), script=(17, 20))
f("fft_abs", lambda x: torch.fft.rfft(x).abs(), (3, 8), script=(17, 20))
f("fft_conv", lambda x, y: torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(y)), (3, 8), (3, 8), script=(17,))
f("fftshift", lambda x: (torch.fft.fftshift(x), torch.fft.ifftshift(x)), (3, 5), script=(17,))
for center in (True, False):
    for onesided in (True, False):
        f(f"stft_{center}_{onesided}", lambda x, c=center, o=onesided: torch.view_as_real(torch.stft(
            x, 8, 4, window=torch.hann_window(8), center=c, onesided=o, return_complex=True)), (2, 32), script=(17, 20))
f("stft_short_window", lambda x: torch.view_as_real(torch.stft(x, 8, 3, 6, window=torch.hamming_window(6), center=False, return_complex=True)), (2, 32), script=(17, 20))
f("stft_nowindow", lambda x: torch.view_as_real(torch.stft(x, 8, return_complex=True, normalized=True)), (2, 32), script=(17, 20))
f("stft_mag", lambda x: torch.stft(x, 16, 4, window=torch.hann_window(16), return_complex=True).abs().pow(2), (2, 64), script=(17, 20))
f("istft", lambda x: torch.istft(torch.stft(x, 8, 4, window=torch.hann_window(8), return_complex=True), 8, 4, window=torch.hann_window(8)), (2, 32), script=(17,))
f("windows", lambda x: x[0, 0, 0] * torch.hann_window(8) + torch.hamming_window(8) + torch.blackman_window(8) + torch.bartlett_window(8), X)
f("complex_mul", lambda x, y: torch.view_as_real(torch.view_as_complex(x) * torch.view_as_complex(y)), (3, 4, 2), (3, 4, 2))
f("complex_rope", lambda x, y: torch.view_as_real(torch.view_as_complex(x.reshape(2, 3, 2, 2)) * torch.polar(torch.ones(3, 2), y)).flatten(2), X, (3, 2), batch=False)
f("complex_parts", lambda x: (torch.view_as_complex(x).real, torch.view_as_complex(x).imag, torch.view_as_complex(x).abs(), torch.view_as_complex(x).conj().imag, torch.view_as_complex(x).angle()), (3, 4, 2))
f("complex_output", lambda x: torch.complex(x, x * 2), X)
f("complex_add_div", lambda x, y: torch.view_as_real(torch.view_as_complex(x) + 1 - torch.view_as_complex(x) / torch.view_as_complex(y)), (3, 2), (3, 2))
f("complex_matmul", lambda x, y: torch.view_as_real(torch.view_as_complex(x) @ torch.view_as_complex(y)), (3, 4, 2), (4, 2, 2), batch=False)

# Functional odds and ends
f("group_norm_w", lambda x, w: F.group_norm(x, 3, w, w), (2, 6, 4), (6,), batch=False)
f("layer_norm_w", lambda x, w: F.layer_norm(x, (4,), w, w), X, (4,), batch=False)
f("rms_norm", lambda x, w: F.rms_norm(x, (4,), w, 1e-6), X, (4,), batch=False)
f("rms_manual", lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6), X)
f("instance_norm", lambda x: F.instance_norm(x), X)
f("conv_dynamic_weight", lambda x, w: F.conv2d(x, w, padding=1), (1, 2, 5, 5), (3, 2, 3, 3), batch=False)
f("conv_tbc", lambda x, w, b: torch.conv_tbc(x, w, b, 1), (5, 2, 3), (3, 3, 4), (4,), batch=False)
f("glu", lambda x: F.glu(x, 2), X)
f("gumbel", lambda x: F.softmax(x / 0.5, dim=-1), X)
f("softmax_dtype", lambda x: F.softmax(x, dim=1, dtype=torch.float64), X)
f("softmax_dim0", lambda x: (x.softmax(0), x.log_softmax(0), x.softmax(-2)), X, batch=False)
f("log_softmax_hard", lambda x: x.log_softmax(-1), torch.tensor([[1e4, -1e4, 0.0], [float("-inf"), 1.0, 2.0]]))
f("softplus_big", lambda x: F.softplus(x * 100), X)
f("threshold", lambda x: F.threshold(x, 0.2, -3.0), X)
f("hardtanh_int", lambda x: F.relu6(x), X)
f("dropout", lambda x: F.dropout(x, 0.5, training=False), X)
f("embedding_f", lambda i, w: F.embedding(i, w), torch.tensor([[1, 2], [0, 2]]), (3, 4), batch=False)
f("nan_to_num", lambda x: torch.nan_to_num(x, 1.0, 2.0, 3.0), HARD)
f("max_other", lambda x, y: torch.max(x, y) - torch.min(x, y), X, X)
f("fill", lambda x: x.fill_(2.0) + torch.scalar_tensor(3.0), X)
f("renorm", lambda x: torch.renorm(x, 2, 0, 1.0), X)
f("trapz", lambda x: torch.trapezoid(x, dim=1), X)
f("cov", lambda x: torch.cov(x), (3, 5))
f("corrcoef", lambda x: torch.corrcoef(x), (3, 5))
f("gradient", lambda x: torch.gradient(x, dim=1)[0], X)
f("polygamma", lambda x: torch.polygamma(1, x.abs() + 1), X)
f("empty_batch", lambda x: F.linear(x, torch.ones(3, 4)).relu().sum(0), torch.zeros(0, 4))
f("empty_conv", lambda x: F.conv2d(x, torch.ones(3, 2, 3, 3)), torch.zeros(0, 2, 5, 5))
f("empty_softmax", lambda x: x.softmax(-1).mean(-1), torch.zeros(0, 4))
f("scalar_input", lambda x: (x + 1, x.reshape(1), x.unsqueeze(0).expand(3)), torch.tensor(2.0))
f("unused_input", lambda x, y: x + 1, X, X)
f("same_output_twice", lambda x: (x + 1, x + 1, x), X)
f("constant_output", lambda x: (x, torch.arange(4)), X)
f("outputs_nested", lambda x: {"a": x + 1, "b": (x * 2, [x - 1])}, X)

# The operators of torch.onnx
O = torch.onnx.ops
f("onnx_attention", lambda q, k, v: O.attention(q, k, v)[0], (2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 8), script=(), dynamo=(23,))
f("onnx_attention_causal", lambda q, k, v: O.attention(q, k, v, is_causal=True, scale=0.3)[0], (2, 4, 5, 8), (2, 4, 5, 8), (2, 4, 5, 8), script=(), dynamo=(23,))
f("onnx_attention_softcap", lambda q, k, v, m: O.attention(q, k, v, m, softcap=2.0)[0], (2, 4, 5, 8), (2, 2, 7, 8), (2, 2, 7, 8), (5, 7), script=(), dynamo=(23,), batch=False)
f("onnx_attention_3d", lambda q, k, v: O.attention(q, k, v, q_num_heads=4, kv_num_heads=2)[0], (2, 5, 32), (2, 7, 16), (2, 7, 16), script=(), dynamo=(23,))
f("onnx_attention_past", lambda q, k, v, pk, pv: O.attention(q, k, v, past_key=pk, past_value=pv)[:3], (2, 4, 5, 8), (2, 4, 1, 8), (2, 4, 1, 8), (2, 4, 6, 8), (2, 4, 6, 8), script=(), dynamo=(23,))
for inter in (True, False):
    f(f"onnx_rotary_{inter}", lambda x, c, s, n=inter: O.rotary_embedding(x, c, s, torch.arange(5).expand(2, 5), interleaved=n), (2, 4, 5, 8), (9, 4), (9, 4), script=(), dynamo=(23,), batch=False)
