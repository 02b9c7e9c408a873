"""Cases of make_torch.py: torchvision's models with random weights on small pictures."""
import torch
import torchvision
from torchvision import models as tv, ops
from make_torch import Case, Function

CASES = []
r = torch.randn
PLAIN = {"weights": None}


def settle(module):
    """Statistics of a few pictures for batch norms, so that deep random networks neither die nor explode."""
    return module.eval()


def classify(name, size=64, **options):
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    options.setdefault("script", (17,))
    options.setdefault("dynamo", (20,))
    options.setdefault("dynamic", False)
    batch = options.pop("n", 1)
    CASES.append(Case("tv_" + name, lambda: settle(getattr(tv, name)(weights=None, **extra)), lambda: (r(batch, 3, size, size),), **options))


for name in """alexnet resnet18 resnet50 resnext50_32x4d wide_resnet50_2 vgg11 vgg11_bn densenet121 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large efficientnet_b0
efficientnet_v2_s shufflenet_v2_x0_5 shufflenet_v2_x1_0 squeezenet1_0 squeezenet1_1 mnasnet0_5 mnasnet1_0 googlenet regnet_y_400mf regnet_x_400mf convnext_tiny swin_t swin_v2_t""".split():
    classify(name)
classify("inception_v3", 96)
classify("vit_b_16", 224)
classify("vit_b_32", 224)
classify("maxvit_t", 224)


def case(name, build, make, **options):
    options.setdefault("script", (17,))
    options.setdefault("dynamo", (20,))
    options.setdefault("dynamic", False)
    CASES.append(Case("tv_" + name, build, make, **options))


picture = lambda n=64: (r(1, 3, n, n),)
for name in ("fcn_resnet50", "deeplabv3_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
    case(name, lambda k=name: getattr(tv.segmentation, k)(weights=None, weights_backbone=None, num_classes=5), picture)
for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
    case(name, lambda k=name: getattr(tv.video, k)(weights=None), lambda: (r(1, 3, 4, 32, 32),))
case("mvit_v1_b", lambda: tv.video.mvit_v1_b(weights=None), lambda: (r(1, 3, 16, 224, 224),))
case("mvit_v2_s", lambda: tv.video.mvit_v2_s(weights=None), lambda: (r(1, 3, 16, 224, 224),))
case("s3d", lambda: tv.video.s3d(weights=None), lambda: (r(1, 3, 16, 64, 64),))
case("swin3d_t", lambda: tv.video.swin3d_t(weights=None), lambda: (r(1, 3, 4, 32, 32),))
case("raft_small", lambda: tv.optical_flow.raft_small(weights=None), lambda: (r(1, 3, 128, 128), r(1, 3, 128, 128)))


def detector(name, size=96, **extra):
    """Takes a picture, gives the first answer; low thresholds, so that random weights find something."""
    class Single(torch.nn.Module):
        def __init__(self):
            super().__init__()
            arguments = {"weights": None, "weights_backbone": None, "num_classes": 4, **extra}
            self.model = getattr(tv.detection, name)(**arguments)

        def forward(self, x):
            return list(self.model([x])[0].values())
    case(name, Single, lambda: (torch.rand(3, size, size),), script=(11, 17), batch=False)


small = {"min_size": 96, "max_size": 128}
few = {"box_score_thresh": 0.0, "rpn_pre_nms_top_n_test": 40, "rpn_post_nms_top_n_test": 15, "box_detections_per_img": 10}
detector("fasterrcnn_resnet50_fpn", **small, **few)
detector("fasterrcnn_mobilenet_v3_large_320_fpn", **small, **few)
detector("fasterrcnn_resnet50_fpn_v2", **small, **few)
detector("maskrcnn_resnet50_fpn", **small, **few)
detector("keypointrcnn_resnet50_fpn", **small, **{**few})
detector("retinanet_resnet50_fpn", **small, score_thresh=0.0, topk_candidates=20, detections_per_img=10)
detector("fcos_resnet50_fpn", **small, score_thresh=0.0, topk_candidates=20, detections_per_img=10)
detector("ssd300_vgg16", 300, score_thresh=0.0, topk_candidates=20, detections_per_img=10)
detector("ssdlite320_mobilenet_v3_large", 320, score_thresh=0.0, topk_candidates=20, detections_per_img=10)


def boxes(n):
    corner = torch.rand(n, 2) * 10
    return torch.cat([corner, corner + torch.rand(n, 2) * 12 + 0.5], 1)


def f(name, function, make, **options):
    case("op_" + name, lambda: Function(function), make, **{"script": (11, 16, 18), "batch": False, "dynamo": (18, 20), "dynamic": True, **options})


for aligned in (False, True):
    for ratio in (2, -1):
        f(f"roi_align_{aligned}_{ratio}", lambda x, b, a=aligned, k=ratio: ops.roi_align(x, [b], (3, 4), 0.5, k, a), lambda: (r(1, 3, 12, 12), boxes(4)))
f("roi_align_batch", lambda x, b: ops.roi_align(x, b, 2), lambda: (r(2, 3, 12, 12), torch.cat([torch.tensor([[0.0], [1], [1]]), boxes(3)], 1)))
f("roi_pool", lambda x, b: ops.roi_pool(x, [b], (3, 3), 0.5), lambda: (r(1, 3, 12, 12), boxes(4)))
f("nms", lambda b, s: ops.nms(b, s, 0.3), lambda: (boxes(12), torch.rand(12)))
f("batched_nms", lambda b, s, i: ops.batched_nms(b, s, i, 0.3), lambda: (boxes(12), torch.rand(12), torch.arange(12) % 3))
f("deform_conv", lambda x, o, w: ops.deform_conv2d(x, o, w, padding=1), lambda: (r(1, 2, 6, 6), r(1, 18, 6, 6), r(3, 2, 3, 3)), script=(19,))
f("deform_conv_mask", lambda x, o, w, k: ops.deform_conv2d(x, o, w, mask=k.sigmoid(), padding=1, stride=2), lambda: (r(1, 2, 6, 6), r(1, 18, 3, 3), r(3, 2, 3, 3), r(1, 9, 3, 3)), script=(19,))
f("box_iou", lambda a, b: (ops.box_iou(a, b), ops.generalized_box_iou(a, b), ops.box_area(a)), lambda: (boxes(4), boxes(5)))
f("box_convert", lambda b: (ops.box_convert(b, "xyxy", "cxcywh"), ops.clip_boxes_to_image(b, (9, 8)), ops.remove_small_boxes(b, 3.0)), lambda: (boxes(6),))
f("frozen_bn_like", lambda x: ops.misc.FrozenBatchNorm2d(3)(x), lambda: (r(1, 3, 4, 4),))
case("op_stochastic_depth", lambda: ops.StochasticDepth(0.5, "row"), lambda: (r(2, 3),))
case("op_fpn", lambda: Pyramid(), lambda: (r(1, 4, 16, 16), r(1, 6, 8, 8)))


class Pyramid(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fpn = ops.FeaturePyramidNetwork([4, 6], 5)

    def forward(self, a, b):
        return list(self.fpn({"a": a, "b": b}).values())


from torchvision.transforms import functional as vision

for name, g in {"resize": lambda x: vision.resize(x, [10, 9], antialias=True), "normalize": lambda x: vision.normalize(x, [0.5] * 3, [0.2] * 3), "crop": lambda x: vision.center_crop(x, [8, 8]),
                "hflip": vision.hflip, "gray": vision.rgb_to_grayscale, "pad": lambda x: vision.pad(x, [1, 2]), "blur": lambda x: vision.gaussian_blur(x, [3, 3]), "brightness": lambda x: vision.adjust_brightness(x, 1.4),
                "contrast": lambda x: vision.adjust_contrast(x, 1.4), "saturation": lambda x: vision.adjust_saturation(x, 0.4), "hue": lambda x: vision.adjust_hue(x, 0.1), "rotate": lambda x: vision.rotate(x, 30.0),
                "affine": lambda x: vision.affine(x, 20.0, [1, 2], 1.1, [5.0]), "invert": vision.invert, "posterize": lambda x: vision.solarize(x, 0.5), "sharpness": lambda x: vision.adjust_sharpness(x, 2.0), "equalize": lambda x: vision.autocontrast(x)}.items():
    f("t_" + name, g, lambda: (torch.rand(1, 3, 12, 14),), script=(18, 20), dynamic=False)
