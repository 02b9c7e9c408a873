--- Rules for the graphs inside of nodes: as many inputs and outputs as the operator around them
--- gives and takes.
local shown = require("perigee.check.report").shown

local M = {}

local function attribute(node, name)
  for _, a in ipairs(node.attribute or {}) do
    if a.name == name then return a end
  end
end

local function count(list) return #(list or {}) end

--- `n_in`, `n_out`: { least, most }.
local function expect(ctx, at, node, name, n_in, n_out)
  local a = attribute(node, name)
  local graph = a and a.g
  if not graph then return end
  local function compare(range, n, side)
    if not range or n >= range[1] and n <= range[2] then return end
    local wanted = range[1] == range[2] and tostring(range[1])
      or range[2] == math.huge and "at least " .. range[1] or ("%d to %d"):format(range[1],
        range[2])
    ctx.report:error("subgraph", at, "graph '%s' has %d %ss, expected %s", shown(name), n, side,
      wanted)
  end
  compare(n_in, count(graph.input), "input")
  compare(n_out, count(graph.output), "output")
end

local function exactly(n) return { n, n } end

local rules = {}

function rules.If(ctx, at, node)
  for _, name in ipairs { "then_branch", "else_branch" } do
    expect(ctx, at, node, name, exactly(0), exactly(count(node.output)))
  end
end

--- Iteration, condition and states in; condition, states and scan outputs out.
function rules.Loop(ctx, at, node)
  local states = math.max(count(node.input) - 2, 0)
  expect(ctx, at, node, "body", exactly(states + 2), exactly(count(node.output) + 1))
  if count(node.output) < states then
    ctx.report:error("subgraph", at, "it has %d states but %d outputs", states, count(node.output))
  end
end

function rules.Scan(ctx, at, node, operator)
  local scans = attribute(node, "num_scan_inputs")
  local n_in = count(node.input) - (operator.since < 9 and 1 or 0) -- version 8 begins with lengths
  if scans and scans.i and (scans.i < 1 or scans.i > n_in) then
    ctx.report:error("subgraph", at, "num_scan_inputs is %d, but %d inputs can be scanned",
      scans.i, n_in)
  end
  expect(ctx, at, node, "body", exactly(n_in), exactly(count(node.output)))
end

function rules.SequenceMap(ctx, at, node)
  expect(ctx, at, node, "body", exactly(count(node.input)), exactly(count(node.output)))
end

--- Checks the graphs of a node of the standard's own control flow.
function M.check(ctx, at, node, operator)
  local rule = operator.domain == "" and rules[operator.name]
  if rule then rule(ctx, at, node, operator) end
end

return M
