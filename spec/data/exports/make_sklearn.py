"""Exports of scikit-learn, LightGBM and XGBoost with their own answers as ONNX test folders.

    python make_sklearn.py DIR [PATTERN]        the cases whose names contain PATTERN
"""
import inspect
import os
import sys
import warnings

import numpy as np
import onnx

warnings.filterwarnings("ignore")

from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import (
    DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType)
from sklearn import (
    calibration, cluster, compose, cross_decomposition, decomposition, discriminant_analysis, ensemble,
    feature_extraction, feature_selection, gaussian_process, impute, isotonic, kernel_approximation,
    linear_model, mixture, multiclass, multioutput, naive_bayes, neighbors, neural_network, pipeline,
    preprocessing, random_projection, svm, tree)
from sklearn.covariance import EllipticEnvelope
from sklearn.gaussian_process import kernels as gk

from export_case import write_case

N, F = 60, 5


def data(kind, dtype=np.float32):
    """Inputs and targets of a kind."""
    rng = np.random.RandomState(7)
    x = rng.randn(N, F).astype(dtype)
    score = x[:, 0] + x[:, 1] * x[:, 2]
    if "pos" in kind:
        x = np.abs(x)
    if "counts" in kind:
        x = np.floor(np.abs(x) * 4).astype(dtype)
    if "ints" in kind:
        x = np.floor(np.abs(x) * 3).astype(np.int64)
    if "missing" in kind:
        x[rng.rand(N, F) < 0.2] = np.nan
    three = np.digitize(score, [-0.5, 0.5])
    targets = {
        "reg": score, "reg2": np.stack([score, x[:, 3] - score], 1), "bin": (score > 0).astype(np.int64),
        "multi": three, "words": np.array(["low", "mid", "high"])[three],
        "yesno": np.array(["no", "yes"])[(score > 0).astype(int)],
        "labels2": np.stack([score > 0, x[:, 3] > 0.2], 1).astype(np.int64),
        "rates": np.exp(score / 2) + 0.1, "counted": np.floor(np.exp(score / 2) + 0.1),
        "ordered": three + 2, "none": None,
    }
    return x, targets[kind.split()[0]]


def answers(model, x, kind, options):
    """What the model itself says, in the order of the export's outputs."""
    if isinstance(model, (cluster.KMeans, cluster.MiniBatchKMeans)):
        return [model.predict(x), model.transform(x)]
    if isinstance(model, (ensemble.IsolationForest, svm.OneClassSVM, EllipticEnvelope, neighbors.LocalOutlierFactor)):
        return [model.predict(x).reshape(-1, 1), model.decision_function(x).reshape(-1, 1)]
    if isinstance(model, (mixture.GaussianMixture, mixture.BayesianGaussianMixture, gaussian_process.GaussianProcessClassifier)):
        return [model.predict(x).reshape(-1, 1), model.predict_proba(x)]
    if hasattr(model, "transform") and not hasattr(model, "predict"):
        return [model.transform(x)]
    label = model.predict(x)
    if not hasattr(model, "classes_") or options.get("regressor"):
        return [label if label.ndim == 2 else label.reshape(-1, 1)]
    if options.get("raw_scores") or not hasattr(model, "predict_proba"):
        scores = model.decision_function(x)
        if scores.ndim == 1:
            scores = np.stack([-scores, scores], 1)
    else:
        scores = model.predict_proba(x)
    if isinstance(scores, list):
        return [label, np.stack(scores)] if scores[0].shape[1] == 2 else [label, None]
    return [label, scores]


def extra_answers(model, x, options):
    """Outputs that options ask for, behind the others."""
    if options.get("score_samples"):
        return [model.score_samples(x).reshape(-1, 1)]
    if options.get("return_std"):
        return [model.predict(x, return_std=True)[1]]
    if options.get("return_cov"):
        return [model.predict(x, return_cov=True)[1]]
    trees = getattr(model, "estimators_", [model])
    if options.get("decision_leaf"):
        return [np.stack([t.apply(x) for t in trees], 1)]
    if options.get("decision_path"):
        rows = [["".join(str(int(v)) for v in row) for row in t.decision_path(x).toarray()] for t in trees]
        return [np.array(rows).T]
    return []


def as_zipmap(model, label, scores, how):
    if how == "columns":
        return [label] + [scores[:, i] for i in range(scores.shape[1])]
    if how is False:
        return [label, scores]
    names = [c if isinstance(c, str) else int(c) for c in model.classes_.tolist()]
    return [label, [dict(zip(names, map(float, row))) for row in scores]]


def typed_inputs(x):
    kinds = {"f": FloatTensorType, "i": Int64TensorType, "U": StringTensorType, "O": StringTensorType}
    kind = DoubleTensorType if x.dtype == np.float64 else kinds[x.dtype.kind]
    return [("X", kind([None] + list(x.shape[1:])))]


def write_estimator(root, name, model, kind, dtype=np.float32, opset=None, tolerance=None, **options):
    x, y = data(kind, dtype)
    model.fit(x, y) if y is not None else model.fit(x)
    classifier = hasattr(model, "classes_") and hasattr(model, "predict") and not options.get("regressor")
    given = {k: v for k, v in options.items() if k != "regressor"}
    if classifier and "zipmap" not in given:
        given["zipmap"] = False
    test = np.concatenate([x[:20], x[30:37]])
    attempts = [given, {k: v for k, v in given.items() if k != "zipmap"}]
    for attempt in attempts:
        try:
            proto = to_onnx(model, initial_types=typed_inputs(x), target_opset=opset,
                            options={id(model): attempt} if attempt else None)
            break
        except (NameError, RuntimeError) as problem:
            if attempt == attempts[-1] or "zipmap" not in str(problem) and "not found" not in str(problem).lower():
                raise
    sets = []
    for rows in (test, test[:1]):
        expected = answers(model, rows, kind, options) + extra_answers(model, rows, options)
        if classifier and len(expected) > 1 and "zipmap" in attempt:
            expected = as_zipmap(model, *expected[:2], attempt["zipmap"]) + expected[2:]
        sets.append(([rows], expected[:len(proto.graph.output)]))
    write_case(root, name, proto, sets, tolerance)


LATEST = None
LOOSE = (1e-2, 1e-3)
CLASSIFIERS = [  # what, kinds of target, options
    (linear_model.LogisticRegression(), "bin multi words yesno", {}),
    (linear_model.LogisticRegressionCV(cv=2), "bin multi", {}),
    (linear_model.SGDClassifier(loss="log_loss", random_state=0), "bin multi words", {}),
    (linear_model.SGDClassifier(loss="modified_huber", random_state=0), "bin multi", {}),
    (linear_model.SGDClassifier(random_state=0), "bin multi", {}),
    (linear_model.Perceptron(random_state=0), "bin multi", {}),
    (linear_model.PassiveAggressiveClassifier(random_state=0), "bin multi", {}),
    (linear_model.RidgeClassifier(), "bin multi", {}),
    (linear_model.RidgeClassifierCV(), "bin multi", {}),
    (svm.LinearSVC(), "bin multi words", {}),
    (svm.SVC(probability=True, random_state=0), "bin multi words yesno", {}),
    (svm.SVC(), "bin multi yesno", {}),
    (svm.SVC(kernel="linear", probability=True, random_state=0), "bin multi", {}),
    (svm.SVC(kernel="poly", degree=2, coef0=1.0), "bin multi", {}),
    (svm.SVC(kernel="sigmoid"), "bin multi", {}),
    (svm.SVC(decision_function_shape="ovo"), "multi", {}),
    (svm.NuSVC(probability=True, nu=0.2, random_state=0), "bin multi", {}),
    (tree.DecisionTreeClassifier(random_state=0), "bin multi words yesno", {}),
    (tree.ExtraTreeClassifier(random_state=0), "bin multi", {}),
    (ensemble.RandomForestClassifier(8, random_state=0), "bin multi words yesno labels2", {}),
    (ensemble.ExtraTreesClassifier(8, random_state=0), "bin multi", {}),
    (ensemble.GradientBoostingClassifier(n_estimators=9, random_state=0), "bin multi words", {}),
    (ensemble.HistGradientBoostingClassifier(max_iter=9, min_samples_leaf=3), "bin multi", {}),
    (ensemble.AdaBoostClassifier(n_estimators=5, random_state=0), "bin multi", {}),
    (ensemble.BaggingClassifier(n_estimators=4, random_state=0), "bin multi", {}),
    (ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=3))], voting="soft", flatten_transform=False), "bin multi", {}),
    (ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=3)), ("c", naive_bayes.GaussianNB())], flatten_transform=False), "bin multi", {"zipmap": False}),
    (ensemble.StackingClassifier([("a", linear_model.LogisticRegression()), ("b", naive_bayes.GaussianNB())]), "bin multi", {}),
    (naive_bayes.GaussianNB(), "bin multi words", {}),
    (naive_bayes.BernoulliNB(), "bin multi", {}),
    (neural_network.MLPClassifier((7,), max_iter=40, random_state=0), "bin multi words", {}),
    (neural_network.MLPClassifier((7, 4), "tanh", max_iter=40, random_state=0), "bin multi labels2", {}),
    (neural_network.MLPClassifier((6,), "logistic", max_iter=40, random_state=0), "multi", {}),
    (neighbors.KNeighborsClassifier(3), "bin multi words labels2", {}),
    (neighbors.KNeighborsClassifier(3, weights="distance"), "bin multi", {}),
    (neighbors.KNeighborsClassifier(4, metric="manhattan", weights="distance"), "multi", {}),
    (neighbors.RadiusNeighborsClassifier(3.0), "bin multi", {}),
    (neighbors.NearestCentroid(), "bin multi", {}),
    (discriminant_analysis.LinearDiscriminantAnalysis(), "bin multi", {}),
    (discriminant_analysis.QuadraticDiscriminantAnalysis(), "bin multi", {}),
    (gaussian_process.GaussianProcessClassifier(random_state=0), "bin multi", {}),
    (gaussian_process.GaussianProcessClassifier(gk.RBF(0.7), random_state=0), "bin", {}),
    (calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), "bin multi", {}),
    (calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=2, method="isotonic"), "bin multi", {}),
    (multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), "bin multi labels2", {}),
    (multiclass.OneVsRestClassifier(svm.LinearSVC()), "multi", {}),
    (multiclass.OneVsOneClassifier(linear_model.LogisticRegression()), "multi", {}),
    (multioutput.MultiOutputClassifier(linear_model.LogisticRegression()), "labels2", {}),
]
COUNT_CLASSIFIERS = [
    (naive_bayes.MultinomialNB(), "bin multi", {}),
    (naive_bayes.ComplementNB(), "bin multi", {}),
    (naive_bayes.CategoricalNB(min_categories=20), "bin multi", {}),
]
REGRESSORS = [
    (linear_model.LinearRegression(), "reg reg2", {}),
    (linear_model.Ridge(), "reg reg2", {}), (linear_model.RidgeCV(), "reg", {}),
    (linear_model.Lasso(0.1), "reg reg2", {}), (linear_model.LassoCV(cv=2), "reg", {}),
    (linear_model.LassoLars(0.1), "reg", {}), (linear_model.Lars(), "reg", {}),
    (linear_model.ElasticNet(0.1), "reg reg2", {}), (linear_model.ElasticNetCV(cv=2), "reg", {}),
    (linear_model.MultiTaskLasso(0.1), "reg2", {}), (linear_model.MultiTaskElasticNet(0.1), "reg2", {}),
    (linear_model.OrthogonalMatchingPursuit(), "reg", {}),
    (linear_model.BayesianRidge(), "reg", {}), (linear_model.ARDRegression(), "reg", {}),
    (linear_model.SGDRegressor(random_state=0), "reg", {}),
    (linear_model.PassiveAggressiveRegressor(random_state=0), "reg", {}),
    (linear_model.HuberRegressor(), "reg", {}), (linear_model.TheilSenRegressor(random_state=0), "reg", {}),
    (linear_model.RANSACRegressor(random_state=0), "reg", {}),
    (linear_model.QuantileRegressor(quantile=0.6, alpha=0.1), "reg", {}),
    (linear_model.PoissonRegressor(), "counted", {}), (linear_model.GammaRegressor(), "rates", {}),
    (linear_model.TweedieRegressor(power=1.5), "rates", {}),
    (svm.SVR(), "reg", {}), (svm.SVR(kernel="poly", degree=3, coef0=0.5), "reg", {}),
    (svm.SVR(kernel="sigmoid"), "reg", {}), (svm.SVR(kernel="linear"), "reg", {}),
    (svm.NuSVR(), "reg", {}), (svm.LinearSVR(), "reg", {}),
    (tree.DecisionTreeRegressor(random_state=0), "reg reg2", {}),
    (tree.ExtraTreeRegressor(random_state=0), "reg", {}),
    (ensemble.RandomForestRegressor(8, random_state=0), "reg reg2", {}),
    (ensemble.ExtraTreesRegressor(8, random_state=0), "reg", {}),
    (ensemble.GradientBoostingRegressor(n_estimators=9, random_state=0), "reg", {}),
    (ensemble.HistGradientBoostingRegressor(max_iter=9, min_samples_leaf=3), "reg", {}),
    (ensemble.HistGradientBoostingRegressor(max_iter=9, min_samples_leaf=3, loss="poisson"), "counted", {}),
    (ensemble.AdaBoostRegressor(n_estimators=5, random_state=0), "reg", {}),
    (ensemble.BaggingRegressor(n_estimators=4, random_state=0), "reg", {}),
    (ensemble.VotingRegressor([("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))]), "reg", {}),
    (ensemble.StackingRegressor([("a", linear_model.Ridge()), ("b", linear_model.Lasso(0.1))]), "reg", {}),
    (neural_network.MLPRegressor(hidden_layer_sizes=(7,), max_iter=40, random_state=0), "reg reg2", {}),
    (neighbors.KNeighborsRegressor(3), "reg reg2", {}),
    (neighbors.KNeighborsRegressor(3, weights="distance"), "reg", {}),
    (neighbors.KNeighborsRegressor(3, metric="manhattan"), "reg", {}),
    (neighbors.KNeighborsRegressor(3, metric="minkowski", p=3), "reg", {}),
    (neighbors.KNeighborsRegressor(3, metric="chebyshev"), "reg", {}),
    (neighbors.KNeighborsRegressor(3, metric="cosine", algorithm="brute"), "reg", {}),
    (neighbors.RadiusNeighborsRegressor(3.0), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(gk.ConstantKernel(2.0) * gk.RBF(1.3) + gk.WhiteKernel(0.1)), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(gk.ExpSineSquared(1.0, 2.0), alpha=1.0), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(gk.DotProduct(), alpha=1.0), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(gk.RationalQuadratic(), alpha=1.0), "reg", {}),
    (gaussian_process.GaussianProcessRegressor(gk.Matern(nu=1.5), alpha=1.0), "reg", {}),
    (cross_decomposition.PLSRegression(2), "reg reg2", {"regressor": True}),
    (multioutput.MultiOutputRegressor(linear_model.Ridge()), "reg2", {}),
    (multioutput.RegressorChain(linear_model.Ridge()), "reg2", {}),
    (compose.TransformedTargetRegressor(linear_model.Ridge(), transformer=preprocessing.StandardScaler()), "reg", {}),
]
UNSUPERVISED = [
    (cluster.KMeans(3, n_init=2, random_state=0), "none", {}),
    (cluster.MiniBatchKMeans(3, n_init=2, random_state=0), "none", {}),
    (mixture.GaussianMixture(3, random_state=0), "none", {}),
    (mixture.GaussianMixture(3, covariance_type="diag", random_state=0), "none", {}),
    (mixture.GaussianMixture(3, covariance_type="tied", random_state=0), "none", {}),
    (mixture.GaussianMixture(3, covariance_type="spherical", random_state=0), "none", {}),
    (mixture.BayesianGaussianMixture(n_components=3, random_state=0), "none", {}),
    (ensemble.IsolationForest(n_estimators=9, random_state=0), "none", {"opset": {"": 15, "ai.onnx.ml": 3}}),
    (svm.OneClassSVM(), "none", {}), (svm.OneClassSVM(kernel="poly", degree=2, coef0=1), "none", {}),
    (neighbors.LocalOutlierFactor(5, novelty=True), "none", {}),
    (EllipticEnvelope(random_state=0), "none", {}),
    (decomposition.PCA(3), "none", {}), (decomposition.PCA(3, whiten=True), "none", {}),
    (decomposition.IncrementalPCA(3), "none", {}),
    (decomposition.TruncatedSVD(3, random_state=0), "none", {}),
    (decomposition.KernelPCA(3, kernel="rbf"), "none", {}),
    (decomposition.KernelPCA(3, kernel="poly"), "none", {}),
    (decomposition.KernelPCA(3, kernel="cosine"), "none", {}),
    (decomposition.FactorAnalysis(2), "none", {}),
    (decomposition.FastICA(2, random_state=0), "none", {}),
    (decomposition.NMF(2, init="nndsvda", max_iter=20), "none pos", {}),
    (decomposition.LatentDirichletAllocation(3, random_state=0), "none counts", {}),
    (kernel_approximation.Nystroem(random_state=0, n_components=9), "none", {}),
    (kernel_approximation.RBFSampler(random_state=0, n_components=9), "none", {}),
    (random_projection.GaussianRandomProjection(3, random_state=0), "none", {}),
    (random_projection.SparseRandomProjection(3, random_state=0), "none", {}),
    (ensemble.RandomTreesEmbedding(4, max_depth=3, random_state=0, sparse_output=False), "none", {}),
    (preprocessing.StandardScaler(), "none", {}), (preprocessing.StandardScaler(with_mean=False), "none", {}),
    (preprocessing.MinMaxScaler((-1, 2)), "none", {}), (preprocessing.MinMaxScaler(clip=True), "none", {}),
    (preprocessing.MaxAbsScaler(), "none", {}), (preprocessing.RobustScaler(), "none", {}),
    (preprocessing.Normalizer("l1"), "none", {}), (preprocessing.Normalizer("l2"), "none", {}),
    (preprocessing.Normalizer("max"), "none", {}),
    (preprocessing.Binarizer(threshold=0.3), "none", {}),
    (preprocessing.PolynomialFeatures(3), "none", {}),
    (preprocessing.PolynomialFeatures(2, interaction_only=True, include_bias=False), "none", {}),
    (preprocessing.PowerTransformer(), "none", {}), (preprocessing.PowerTransformer("box-cox"), "none pos", {}),
    (preprocessing.QuantileTransformer(n_quantiles=20), "none", {}),
    (preprocessing.KBinsDiscretizer(4, encode="ordinal"), "none", {}),
    (preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), "none", {}),
    (preprocessing.KBinsDiscretizer(4, encode="onehot-dense", strategy="kmeans", random_state=0), "none", {}),
    (preprocessing.SplineTransformer(4), "none", {}),
    (preprocessing.FunctionTransformer(), "none", {}),
    (preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"), "none counts", {}),
    (preprocessing.OrdinalEncoder(), "none counts", {}),
    (preprocessing.OneHotEncoder(sparse_output=False), "none ints", {}),
    (preprocessing.OneHotEncoder(sparse_output=False, drop="first"), "none ints", {}),
    (preprocessing.OrdinalEncoder(), "none ints", {}),
    (preprocessing.KernelCenterer(), "none", {}),
    (impute.SimpleImputer(), "none missing", {}), (impute.SimpleImputer(strategy="median"), "none missing", {}),
    (impute.SimpleImputer(strategy="most_frequent"), "none missing", {}),
    (impute.SimpleImputer(strategy="constant", fill_value=3.0), "none missing", {}),
    (impute.KNNImputer(n_neighbors=3), "none missing", {}),
    (impute.MissingIndicator(features="all"), "none missing", {}),
    (feature_selection.VarianceThreshold(0.5), "none", {}),
    (feature_selection.SelectKBest(k=2), "reg", {}), (feature_selection.SelectPercentile(percentile=50), "bin", {}),
    (feature_selection.SelectFromModel(linear_model.Lasso(0.1)), "reg", {}),
    (feature_selection.RFE(linear_model.LinearRegression(), n_features_to_select=2), "reg", {}),
    (feature_selection.SelectFpr(), "bin", {}),
    (preprocessing.TargetEncoder(random_state=0), "bin ints", {}),
]
OPSETS = [9, 11, 13, 15, 18, 21, 22, 23]
DOMAIN_OF = {9: 1, 11: 1, 13: 2, 15: 2, 18: 3, 21: 3, 22: 5, 23: 5}


def title(model, kind):
    """A short name: the class and what was set."""
    set_ = [str(v) for k, v in sorted(model.get_params(False).items())
            if isinstance(v, (str, float, int, bool)) and k not in ("random_state", "cv", "n_init", "max_iter")
            and v != inspect.signature(type(model)).parameters[k].default]
    parts = [type(model).__name__] + set_ + kind.replace("none", "").split()
    if isinstance(getattr(model, "kernel", None), gk.Kernel):
        parts.append(type(model.kernel).__name__)
    if hasattr(model, "estimator") and model.estimator is not None:
        parts.append(type(model.estimator).__name__)
    return "_".join("".join(c for c in p if c.isalnum() or c == "-") for p in parts).lower()


def estimator_cases():
    """(name, model, kind, keyword arguments)"""
    for table, extra in ((CLASSIFIERS, ""), (COUNT_CLASSIFIERS, " counts"), (REGRESSORS, ""), (UNSUPERVISED, "")):
        for model, kinds, options in table:
            for kind in [kinds] if " pos" in kinds or kinds.startswith("none") else kinds.split():
                if kind == "ints":
                    continue
                kind = kind + extra
                if isinstance(model, preprocessing.TargetEncoder):
                    kind = "bin ints"
                name = title(model, kind)
                yield name, model, kind, options
                if "ints" not in kind:
                    yield name + "_f64", model, kind, dict(options, dtype=np.float64)
    logistic, forest = linear_model.LogisticRegression, ensemble.RandomForestClassifier
    for kind in ("bin", "multi", "words", "yesno"):
        for how in (True, "columns"):
            yield f"zipmap_{kind}_{how}".lower(), logistic(), kind, {"zipmap": how}
            yield f"zipmap_forest_{kind}_{how}".lower(), forest(5, random_state=0), kind, {"zipmap": how}
    for kind in ("bin", "multi"):
        for model in (logistic(), ensemble.GradientBoostingClassifier(n_estimators=5), svm.SVC(probability=True),
                      linear_model.SGDClassifier(loss="log_loss", random_state=0)):
            yield f"raw_{title(model, kind)}", model, kind, {"raw_scores": True}
        yield f"nocl_{kind}", logistic(), kind, {"nocl": True}
        yield f"nocl_forest_{kind}", forest(4, random_state=0), kind, {"nocl": True}
        yield f"knn_cdist_{kind}", neighbors.KNeighborsClassifier(3), kind, {"optim": "cdist"}
    tree_class = tree.DecisionTreeClassifier
    for kind in ("bin", "multi"):
        for option in ("decision_path", "decision_leaf"):
            yield f"{option}_{kind}", tree_class(max_depth=4, random_state=0), kind, {option: True}
            yield f"{option}_forest_{kind}", forest(3, max_depth=3, random_state=0), kind, {option: True}
            yield f"{option}_extra_{kind}", ensemble.ExtraTreesClassifier(3, max_depth=3, random_state=0), kind, {option: True}
    for option in ("decision_path", "decision_leaf"):
        yield f"{option}_reg", tree.DecisionTreeRegressor(max_depth=4, random_state=0), "reg", {option: True}
        yield f"{option}_forest_reg", ensemble.RandomForestRegressor(3, max_depth=3, random_state=0), "reg", {option: True}
    for shape in ("full", "diag", "tied", "spherical"):
        yield f"score_samples_gmm_{shape}", mixture.GaussianMixture(2, covariance_type=shape, random_state=0), "none", {"score_samples": True}
    yield "score_samples_isolation", ensemble.IsolationForest(n_estimators=5, random_state=0), "none", {"score_samples": True, "opset": {"": 15, "ai.onnx.ml": 3}}
    yield "score_samples_lof", neighbors.LocalOutlierFactor(5, novelty=True), "none", {"score_samples": True}
    gp = gaussian_process.GaussianProcessRegressor
    for dtype in (np.float32, np.float64):
        end = "_f64" if dtype is np.float64 else ""
        yield "gp_std" + end, gp(gk.RBF(1.3), alpha=0.1), "reg", {"return_std": True, "dtype": dtype}
        yield "gp_cov" + end, gp(gk.RBF(1.3), alpha=0.1), "reg", {"return_cov": True, "dtype": dtype}
    for model in (logistic(), forest(4, random_state=0), svm.SVC(), tree_class(random_state=0), neighbors.KNeighborsClassifier(3),
                  naive_bayes.GaussianNB(), naive_bayes.MultinomialNB(), neural_network.MLPClassifier((5,), max_iter=20),
                  ensemble.GradientBoostingClassifier(n_estimators=4), linear_model.SGDClassifier(random_state=0)):
        yield f"ints_{title(model, 'multi')}", model, "multi ints", {}
    for model in (linear_model.Ridge(), ensemble.RandomForestRegressor(4, random_state=0), svm.SVR(), neighbors.KNeighborsRegressor(3),
                  preprocessing.StandardScaler(), preprocessing.PolynomialFeatures(2), decomposition.PCA(2), preprocessing.Binarizer(),
                  preprocessing.MinMaxScaler(), cluster.KMeans(3, n_init=1), preprocessing.KBinsDiscretizer(3, encode="ordinal"), preprocessing.Normalizer()):
        yield f"ints_{title(model, 'reg')}", model, "reg ints", {}
    yield "knn_cdist_reg", neighbors.KNeighborsRegressor(3), "reg", {"optim": "cdist"}
    yield "gp_cdist", gaussian_process.GaussianProcessRegressor(gk.RBF(1.3), alpha=0.1), "reg", {"optim": "cdist"}
    for opset in OPSETS:
        target = {"": opset, "ai.onnx.ml": DOMAIN_OF[opset]}
        for model, kind in ((logistic(), "multi"), (forest(4, random_state=0), "multi"), (svm.SVC(), "multi"),
                            (preprocessing.StandardScaler(), "none"), (linear_model.Ridge(), "reg"),
                            (ensemble.GradientBoostingRegressor(n_estimators=4), "reg"),
                            (neighbors.KNeighborsClassifier(3), "multi"), (cluster.KMeans(3, n_init=1), "none"),
                            (neural_network.MLPClassifier((5,), max_iter=20), "bin"),
                            (preprocessing.PolynomialFeatures(2), "none"),
                            (preprocessing.KBinsDiscretizer(3, encode="ordinal"), "none"),
                            (mixture.GaussianMixture(2), "none"),
                            (gaussian_process.GaussianProcessRegressor(gk.RBF(1.0), alpha=0.1), "reg")):
            yield f"opset{opset}_{title(model, kind)}", model, kind, {"opset": target}


TEXTS = ["the cat sat on the mat", "A dog; the CAT!", "on and on and on", "mat dog 42", "x y the end"]


def text_cases():
    text = feature_extraction.text
    tables = [
        ("count", text.CountVectorizer(), {}), ("count_bigrams", text.CountVectorizer(ngram_range=(1, 2)), {}),
        ("count_trigrams", text.CountVectorizer(ngram_range=(2, 3)), {}),
        ("count_binary", text.CountVectorizer(binary=True), {}),
        ("count_case", text.CountVectorizer(lowercase=False), {}),
        ("count_chars", text.CountVectorizer(analyzer="char", ngram_range=(1, 1)), {}),
        ("count_chars2", text.CountVectorizer(analyzer="char", ngram_range=(1, 2)), {}),
        ("count_stop", text.CountVectorizer(stop_words=["the", "on"]), {}),
        ("count_pattern", text.CountVectorizer(token_pattern="[a-zA-Z]+"), {"tokenexp": "[a-zA-Z]+"}),
        ("tfidf", text.TfidfVectorizer(), {}), ("tfidf_sublinear", text.TfidfVectorizer(sublinear_tf=True), {}),
        ("tfidf_l1", text.TfidfVectorizer(norm="l1"), {}), ("tfidf_plain", text.TfidfVectorizer(norm=None, use_idf=False), {}),
        ("tfidf_bigrams", text.TfidfVectorizer(ngram_range=(1, 2)), {}),
        ("tfidf_separators", text.TfidfVectorizer(), {"separators": [" ", "[.]", "\\?", ",", ";", ":", "\\!"]}),
    ]
    for name, model, options in tables:
        for opset in (12, None):
            yield f"text_{name}" + (f"_opset{opset}" if opset else ""), model, options, opset


def write_text(root, name, model, options, opset):
    model.fit(TEXTS)
    proto = to_onnx(model, initial_types=[("X", StringTensorType([None]))], options={id(model): options} if options else None, target_opset=opset)
    write_case(root, name, proto, [([np.array(t)], [model.transform(t).toarray()]) for t in (TEXTS, TEXTS[1:3])])


def table_cases():
    """Pipelines over named columns of several types: (name, pipeline, zipmap)."""
    def columns(words):
        return compose.ColumnTransformer([
            ("n", pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), ["age", "fare"]),
            ("c", words, ["port", "sex"])])
    one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore")
    ordinal = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    filled = pipeline.make_pipeline(impute.SimpleImputer(strategy="constant", fill_value="?", missing_values=""), one_hot)
    yield "table_logistic", pipeline.make_pipeline(columns(one_hot), linear_model.LogisticRegression()), False
    yield "table_logistic_zipmap", pipeline.make_pipeline(columns(one_hot), linear_model.LogisticRegression()), True
    yield "table_ordinal_forest", pipeline.make_pipeline(columns(ordinal), ensemble.RandomForestClassifier(5, random_state=0)), False
    yield "table_filled", pipeline.make_pipeline(columns(filled), linear_model.LogisticRegression()), False
    yield "table_svd", pipeline.make_pipeline(columns(one_hot), decomposition.TruncatedSVD(3, random_state=0), linear_model.LogisticRegression()), False
    yield "table_select", pipeline.make_pipeline(columns(one_hot), feature_selection.SelectKBest(k=4), svm.SVC(probability=True, random_state=0)), False
    yield "table_union", pipeline.make_pipeline(columns(one_hot), pipeline.make_union(decomposition.PCA(2, random_state=0), preprocessing.MinMaxScaler()), linear_model.LogisticRegression()), False


def write_table(root, name, model, zipmap):
    import pandas as pd
    rng = np.random.RandomState(3)
    frame = pd.DataFrame({
        "age": rng.rand(N).astype(np.float32) * 80, "fare": rng.rand(N).astype(np.float32) * 9,
        "port": rng.choice(["S", "C", "Q", ""], N), "sex": rng.choice(["male", "female"], N)})
    frame.loc[::7, "age"] = np.nan
    y = ((frame["sex"] == "female") ^ (frame["fare"] > 5)).astype(int)
    model.fit(frame, y)
    types = [(c, (StringTensorType if frame[c].dtype.kind not in "f" else FloatTensorType)([None, 1])) for c in frame]
    proto = to_onnx(model, initial_types=types, options={id(model): {"zipmap": zipmap}})
    sets = []
    for rows in (frame[:20], frame[20:21].assign(port="unseen") if "filled" not in name else frame[20:23]):
        given = [rows[[c]].to_numpy() for c in frame]
        sets.append((given, as_zipmap(model, model.predict(rows), model.predict_proba(rows), zipmap)))
    write_case(root, name, proto, sets)


def string_cases():
    yield "strings_onehot", preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"), None
    yield "strings_onehot_min", preprocessing.OneHotEncoder(sparse_output=False, min_frequency=12, handle_unknown="infrequent_if_exist"), None
    yield "strings_ordinal", preprocessing.OrdinalEncoder(), None
    yield "strings_ordinal_unknown", preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), None
    yield "strings_imputer", impute.SimpleImputer(missing_values="a", strategy="most_frequent"), None
    yield "strings_target", preprocessing.TargetEncoder(random_state=0), "bin"
    yield "strings_label", preprocessing.LabelEncoder(), "flat"
    yield "strings_binarizer", preprocessing.LabelBinarizer(), "flat"


def write_strings(root, name, model, how):
    rng = np.random.RandomState(5)
    x = rng.choice(["a", "bb", "ccc", "d d"], (N, 2) if how != "flat" else N).astype(object)
    if how == "bin":
        model.fit(x, rng.rand(N) > 0.5)
    else:
        model.fit(x)
    proto = to_onnx(model, initial_types=[("X", StringTensorType([None] + list(x.shape[1:])))])
    write_case(root, name, proto, [([x[:9]], [model.transform(x[:9])]), ([x[9:10]], [model.transform(x[9:10])])])


def hash_cases():
    yield "hash_strings", feature_extraction.FeatureHasher(8, input_type="string")
    yield "hash_strings_positive", feature_extraction.FeatureHasher(16, input_type="string", alternate_sign=False)


def write_hash(root, name, model):
    rng = np.random.RandomState(5)
    x = rng.choice(["a", "bb", "ccc", "d d"], (9, 1)).astype(object)
    proto = to_onnx(model, initial_types=[("X", StringTensorType([None, 1]))])
    write_case(root, name, proto, [([x], [model.transform(x).toarray()])])


def boosted_cases():
    """(name, model, kind, is of LightGBM)"""
    import lightgbm as lgb
    import xgboost as xgb
    light = dict(n_estimators=7, min_child_samples=3, num_leaves=7, verbose=-1)
    for kind in ("bin", "multi", "words", "bin missing", "multi missing"):
        yield f"lgb_classifier_{kind}", lgb.LGBMClassifier(**light), kind
    for boosting in ("dart", "rf"):
        more = dict(bagging_freq=1, bagging_fraction=0.7) if boosting == "rf" else {}
        yield f"lgb_{boosting}", lgb.LGBMClassifier(boosting_type=boosting, **light, **more), "bin"
        yield f"lgb_{boosting}_reg", lgb.LGBMRegressor(boosting_type=boosting, **light, **more), "reg"
    for objective, kind in (("regression", "reg"), ("poisson", "counted"), ("gamma", "rates"), ("tweedie", "rates"),
                            ("quantile", "reg"), ("huber", "reg"), ("mae", "reg"), ("regression", "reg missing")):
        yield f"lgb_{objective}_{kind}", lgb.LGBMRegressor(objective=objective, **light), kind
    yield "lgb_ovr", lgb.LGBMClassifier(objective="multiclassova", **light), "multi"
    yield "lgb_ranker", lgb.LGBMRanker(**light), "ordered"
    yield "xgb_ranker", xgb.XGBRanker(n_estimators=7, max_depth=3), "ordered"
    yield "lgb_zero_missing", lgb.LGBMRegressor(zero_as_missing=True, **light), "reg counts"
    yield "lgb_categorical", lgb.LGBMRegressor(categorical_feature=[0, 1], cat_smooth=1, min_data_per_group=1, **light), "reg counts"
    small = dict(n_estimators=7, max_depth=3)
    for kind in ("bin", "multi", "bin missing", "multi missing"):
        yield f"xgb_classifier_{kind}", xgb.XGBClassifier(**small), kind
    for objective, kind in (("reg:squarederror", "reg"), ("count:poisson", "counted"), ("reg:gamma", "rates"), ("reg:tweedie", "rates"),
                            ("reg:logistic", "bin"), ("reg:squarederror", "reg missing"), ("reg:absoluteerror", "reg")):
        yield f"xgb_{objective.replace(':', '_')}_{kind}", xgb.XGBRegressor(objective=objective, **small), kind
    yield "xgb_softmax", xgb.XGBClassifier(objective="multi:softprob", **small), "multi"
    yield "xgb_dart", xgb.XGBClassifier(booster="dart", **small), "bin"
    yield "xgb_rf", xgb.XGBRFClassifier(**small), "bin"
    yield "xgb_rf_reg", xgb.XGBRFRegressor(**small), "reg"
    yield "xgb_base_score", xgb.XGBRegressor(base_score=2.5, **small), "reg"
    yield "xgb_reg2", xgb.XGBRegressor(**small), "reg2"
    yield "xgb_linear", xgb.XGBRegressor(booster="gblinear", n_estimators=5), "reg"


def write_boosted(root, name, model, kind, zipmap):
    import onnxmltools
    x, y = data(kind)
    convert = onnxmltools.convert_lightgbm if name.startswith("lgb") else onnxmltools.convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats
    model.fit(x, y, **({"group": [N // 2, N - N // 2]} if "ranker" in name else {}))
    more = {"zipmap": zipmap} if name.startswith("lgb") and hasattr(model, "classes_") else {}
    proto = convert(model, initial_types=[("X", Floats([None, F]))], target_opset=15, **more)
    sets = []
    for rows in (x[:20], x[20:21]):
        if hasattr(model, "classes_"):
            has_maps = proto.graph.output[1].type.HasField("sequence_type") and "maps"
            expected = as_zipmap(model, model.predict(rows), model.predict_proba(rows), has_maps)
        else:
            label = model.predict(rows)
            expected = [label if label.ndim == 2 else label.reshape(-1, 1)]
        sets.append(([rows], expected))
    write_case(root, name.replace(" ", "_"), proto, sets)


def main(root, pattern=""):
    jobs = [(c[0], write_estimator, c[1:3], c[3]) for c in estimator_cases()]
    jobs += [(c[0], write_text, c[1:], {}) for c in text_cases()]
    jobs += [(c[0], write_table, c[1:], {}) for c in table_cases()]
    jobs += [(c[0], write_strings, c[1:], {}) for c in string_cases()]
    jobs += [(c[0], write_hash, c[1:], {}) for c in hash_cases()]
    for zipmap in (False, True):
        jobs += [(c[0] + ("_zipmap" if zipmap else ""), write_boosted, c[1:] + (zipmap,), {}) for c in boosted_cases()
                 if not zipmap or "classifier" in c[0]]
    seen = set()
    for name, write, args, more in jobs:
        if pattern not in name or name in seen:
            continue
        seen.add(name)
        try:
            write(root, name, *args, **more)
        except Exception as problem:  # what a converter can't do is no case
            print(f"{name}: not exported: {type(problem).__name__}: {str(problem)[:150]}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
