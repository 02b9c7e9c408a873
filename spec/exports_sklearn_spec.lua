-- Exports of scikit-learn, LightGBM and XGBoost against the makers' answers;
-- spec/data/exports/make_sklearn.py made them.
require "support.export_cases" (_ENV, "sklearn")
