"""Cases of make_torch.py: quantised numbers and modules."""
import torch
from torch import nn
from torch.ao import quantization as q
from make_torch import Case, Function

CASES = []
r = torch.randn


def f(name, function, *inputs, **options):
    def make():
        return tuple(r(*x) if isinstance(x, tuple) else x.clone() for x in inputs)
    options.setdefault("script", (10, 13, 17, 20))
    CASES.append(Case(name, lambda: Function(function), make, **options))


f("fake_quant_u8", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, 120, 0, 255), (2, 3, 4))
f("fake_quant_i8", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.05, -3, -128, 127), (2, 3, 4))
f("fake_quant_127", lambda x: torch.fake_quantize_per_tensor_affine(x * 5, 0.02, 0, 0, 127), (2, 3, 4), script=(13, 17))
f("fake_quant_tensor", lambda x: torch.fake_quantize_per_tensor_affine(x, torch.tensor(0.04), torch.tensor(5, dtype=torch.int32), 0, 255), (2, 3, 4))
f("fake_quant_channel", lambda x: torch.fake_quantize_per_channel_affine(x, torch.tensor([0.1, 0.02, 0.05]), torch.tensor([0, 3, -4], dtype=torch.int32), 1, -128, 127),
  (2, 3, 4), script=(13, 17, 20))
Q = torch.ops.quantized_decomposed
f("qdq", lambda x: Q.dequantize_per_tensor(Q.quantize_per_tensor(x, 0.05, 7, 0, 255, torch.uint8), 0.05, 7, 0, 255, torch.uint8), (2, 3, 4), script=())
f("qdq_channel", lambda x: Q.dequantize_per_channel(Q.quantize_per_channel(x, torch.tensor([0.1, 0.02, 0.05]), torch.tensor([0, 0, 0]), 1, -128, 127, torch.int8),
                                                    torch.tensor([0.1, 0.02, 0.05]), torch.tensor([0, 0, 0]), 1, -128, 127, torch.int8), (2, 3, 4), script=())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = q.QuantStub(), q.DeQuantStub()
        self.conv, self.bn, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        self.depth, self.pool, self.fc = nn.Conv2d(8, 8, 3, groups=8), nn.AdaptiveAvgPool2d(2), nn.Linear(32, 5)

    def forward(self, x):
        x = self.relu(self.bn(self.conv(self.quant(x))))
        x = self.pool(self.depth(x)).flatten(1)
        return self.dequant(self.fc(x))


def qat(qconfig):
    net = Net().train()
    net.qconfig = q.get_default_qat_qconfig(qconfig)
    q.prepare_qat(net, inplace=True)
    for _ in range(3):
        net(r(4, 3, 8, 8))
    return net.eval().apply(q.disable_observer)


def static(qconfig):
    net = Net().eval()
    net = q.fuse_modules(net, [["conv", "bn", "relu"]])
    net.qconfig = q.get_default_qconfig(qconfig)
    q.prepare(net, inplace=True)
    for _ in range(3):
        net(r(4, 3, 8, 8))
    return q.convert(net)


for backend in ("fbgemm", "qnnpack"):
    # The whole-number grid makes single results jump; only the forms without such jumps are exact.
    CASES.append(Case(f"qat_{backend}", lambda b=backend: qat(b), lambda: (r(2, 3, 8, 8),), script=(13, 17)))
    CASES.append(Case(f"static_{backend}", lambda b=backend: static(b), lambda: (r(2, 3, 8, 8),), script=(13, 17), dynamo=()))
CASES.append(Case("dynamic_linear", lambda: q.quantize_dynamic(nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)), {nn.Linear}),
                  lambda: (r(2, 8),), script=(13, 17)))
