-- Exports of PyTorch by both of its exporters against torch's answers; spec/data/exports/make_torch.py made
-- these and makes some 6,000 more.
require "support.export_cases" (_ENV, "torch")
