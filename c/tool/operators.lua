-- Prints c/op/OPERATORS.md; run by `make operators`.
io.write(require("perigee.operators").markdown())
