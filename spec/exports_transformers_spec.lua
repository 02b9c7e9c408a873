-- Exports of transformers, some after ONNX Runtime's own tools, against the makers' answers;
-- spec/data/exports/make_transformers.py made them.
require "support.export_cases" (_ENV, "transformers")
