---@meta
-- The userdata of perigee.core, for editors. spec/meta_spec.lua checks that nothing is missing.

---@class perigee.ValueInfo what an input takes or an output gives
---@field name string
---@field dtype perigee.dtype? nil when unknown
---@field shape (integer|string)[]? sizes; names or "?" where free; nil: unknown rank
---@field type string? for sequences, optionals, maps: the type as text

-- ---- Tensor -------------------------------------------------------------------------------------

---@class perigee.Tensor : { [integer]: any }
---@field dtype perigee.dtype
---@field shape integer[] a fresh table
---@field rank integer
---@field count integer elements
---@operator add(perigee.Tensor|number): perigee.Tensor
---@operator sub(perigee.Tensor|number): perigee.Tensor
---@operator mul(perigee.Tensor|number): perigee.Tensor
---@operator div(perigee.Tensor|number): perigee.Tensor
---@operator idiv(perigee.Tensor|number): perigee.Tensor
---@operator mod(perigee.Tensor|number): perigee.Tensor
---@operator pow(perigee.Tensor|number): perigee.Tensor
---@operator unm: perigee.Tensor
---@operator len: integer
local Tensor = {}

---One element. Indices from 1, negative from the end.
---@param ... integer one an axis
---@return number|boolean|string|table
function Tensor:get(...) end
---@param ... any indices, then the value
function Tensor:set(...) end
---Nested tables; a plain value for rank 0.
---@return any
function Tensor:totable() end
---The only element.
---@return any
function Tensor:item() end
---Raw little-endian elements in row-major order.
---@return string
function Tensor:bytes() end
---Frees the memory now; using the tensor afterwards raises.
function Tensor:close() end
---@return boolean
function Tensor:is_contiguous() end
---A view along one axis, both ends included, as string.sub counts.
---@param axis integer
---@param first? integer default 1
---@param last? integer default -1
---@param step? integer default 1; negative runs backwards
---@return perigee.Tensor
function Tensor:slice(axis, first, last, step) end
---A view with one index of an axis fixed and the axis dropped.
---@param axis integer
---@param index integer
---@return perigee.Tensor
function Tensor:select(axis, index) end
---A view with the axes in another order.
---@param ... integer|integer[]
---@return perigee.Tensor
function Tensor:permute(...) end
---A view broadcast to a shape.
---@param shape integer[]
---@return perigee.Tensor
function Tensor:expand(shape) end
---The same elements in another shape; one size may be -1. A view where strides allow, else a copy.
---@param ... integer|integer[]
---@return perigee.Tensor
function Tensor:reshape(...) end
---@return perigee.Tensor copy contiguous
function Tensor:clone() end
---Itself when contiguous, else a copy.
---@return perigee.Tensor
function Tensor:contiguous() end
---Another element type, rounded as ONNX Cast rounds.
---@param dtype perigee.dtype
---@return perigee.Tensor
function Tensor:cast(dtype) end
---The same bits under another element type of the same width.
---@param dtype perigee.dtype
---@return perigee.Tensor
function Tensor:bitcast(dtype) end
---Writes a number, table or tensor into this one (or what it is a view of), broadcast and cast.
---@param source any
---@return perigee.Tensor self
function Tensor:copy_from(source) end
---@param other any
---@param rtol? number default 1e-5
---@param atol? number default 1e-8
---@return boolean same
---@return string? where they differ
function Tensor:allclose(other, rtol, atol) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:add(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:sub(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:mul(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:div(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:mod(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:pow(other) end
---Element-wise comparisons give bool tensors.
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:eq(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:ne(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:lt(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:le(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:gt(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:ge(other) end
---@param other perigee.Tensor
---@return perigee.Tensor
function Tensor:land(other) end
---@param other perigee.Tensor
---@return perigee.Tensor
function Tensor:lor(other) end
---@param other perigee.Tensor
---@return perigee.Tensor
function Tensor:lxor(other) end
---@return perigee.Tensor
function Tensor:lnot() end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:maximum(other) end
---@param other perigee.Tensor|number
---@return perigee.Tensor
function Tensor:minimum(other) end
---@return perigee.Tensor
function Tensor:abs() end
---@return perigee.Tensor
function Tensor:neg() end
---@return perigee.Tensor
function Tensor:sign() end
---@return perigee.Tensor
function Tensor:floor() end
---@return perigee.Tensor
function Tensor:ceil() end
---Halves to even.
---@return perigee.Tensor
function Tensor:round() end
---@return perigee.Tensor
function Tensor:sqrt() end
---@return perigee.Tensor
function Tensor:exp() end
---@return perigee.Tensor
function Tensor:log() end
---@return perigee.Tensor
function Tensor:sin() end
---@return perigee.Tensor
function Tensor:cos() end
---@return perigee.Tensor
function Tensor:tan() end
---@return perigee.Tensor
function Tensor:asin() end
---@return perigee.Tensor
function Tensor:acos() end
---@return perigee.Tensor
function Tensor:atan() end
---@return perigee.Tensor
function Tensor:sinh() end
---@return perigee.Tensor
function Tensor:cosh() end
---@return perigee.Tensor
function Tensor:tanh() end
---@return perigee.Tensor
function Tensor:erf() end
---@return perigee.Tensor
function Tensor:sigmoid() end
---@return perigee.Tensor
function Tensor:relu() end
---@return perigee.Tensor
function Tensor:gelu() end
---@return perigee.Tensor
function Tensor:softplus() end
---@return perigee.Tensor
function Tensor:reciprocal() end
---@return perigee.Tensor bool
function Tensor:isnan() end
---@param low? number
---@param high? number
---@return perigee.Tensor
function Tensor:clamp(low, high) end
---@param expression string
---@param others? table<string, perigee.Tensor|number>
---@param dtype? perigee.dtype
---@return perigee.Tensor
function Tensor:map(expression, others, dtype) end
---@param axes? integer|integer[] default all
---@param keep? boolean the axes stay with size 1
---@return perigee.Tensor
function Tensor:sum(axes, keep) end
---Of integers as f32.
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:mean(axes, keep) end
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:prod(axes, keep) end
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:max(axes, keep) end
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:min(axes, keep) end
---Euclidean.
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:norm(axes, keep) end
---Sum of absolute values.
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:norm1(axes, keep) end
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:logsumexp(axes, keep) end
---Of the population.
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:var(axes, keep) end
---@param axes? integer|integer[]
---@param keep? boolean
---@return perigee.Tensor
function Tensor:std(axes, keep) end
---@param axis? integer default: position in row-major order
---@param keep? boolean
---@return perigee.Tensor i64, from 1
function Tensor:argmax(axis, keep) end
---@param axis? integer
---@param keep? boolean
---@return perigee.Tensor i64, from 1
function Tensor:argmin(axis, keep) end
---@param k integer
---@param axis? integer default the last
---@param smallest? boolean
---@return perigee.Tensor values
---@return perigee.Tensor indices i64, from 1
function Tensor:topk(k, axis, smallest) end
---@param axis? integer default the last
---@return perigee.Tensor
function Tensor:softmax(axis) end
---@param axis? integer default the last
---@return perigee.Tensor
function Tensor:log_softmax(axis) end
---@param axis? integer default 1
---@return perigee.Tensor
function Tensor:cumsum(axis) end
---@param other perigee.Tensor
---@return perigee.Tensor
function Tensor:matmul(other) end
---@param axis integer
---@return perigee.Tensor
function Tensor:unsqueeze(axis) end
---@param axis? integer default all of size 1
---@return perigee.Tensor
function Tensor:squeeze(axis) end
---@param a? integer default -2
---@param b? integer default -1
---@return perigee.Tensor
function Tensor:transpose(a, b) end
---@return perigee.Tensor rank 1
function Tensor:flatten() end
---@param indices integer[]|perigee.Tensor from 1
---@param axis? integer default 1
---@return perigee.Tensor
function Tensor:gather(indices, axis) end
---@param repeats integer[]
---@return perigee.Tensor
function Tensor:tile(repeats) end
---@return perigee.Tensor i64 [n,rank], from 1
function Tensor:nonzero() end
---@param value number
---@return perigee.Tensor self
function Tensor:fill(value) end
---@param spec table
---@return perigee.Tensor
function Tensor:view(spec) end
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function Tensor:save(path) end
---@param opts? { full?: boolean }
---@return string
function Tensor:tostring(opts) end

-- ---- Graph --------------------------------------------------------------------------------------

---@class perigee.InferOptions
---@field strict? boolean a declared type that contradicts what is inferred is an error
---@field shapes? table<string, (integer|string)[]> shapes of inputs; "?" keeps a dimension
---@field dims? table<string, integer> numbers for names of dimensions

---@class perigee.Contradiction
---@field name string of the value
---@field declared string
---@field inferred string

---@class perigee.Graph a whole model; or a subgraph or a function's body, which can do less
local Graph = {}

function Graph:close() end
---@return perigee.Graph
function Graph:clone() end
---The bytes of an ONNX file in which the larger tensors are only named: for looking.
---@return string? bytes
---@return string? message
---@return string? code
function Graph:outline() end
---Writes ONNX, or its text form where the name ends in .onnxtxt. The file that the graph came
---from may
---be replaced. By default weights that came from a file beside the model go to one (PATH.data)
---again, and
---large ones where the model would not fit into 2 GiB.
---@param path string
---@param external_threshold? integer tensors of at least so many bytes go to PATH.data
---@return true? ok
---@return string? message
---@return string? code
function Graph:save(path, external_threshold) end
---The model as the bytes of an ONNX file, all weights in it.
---@return string? bytes
---@return string? message
---@return string? code
function Graph:bytes() end
---@return perigee.ValueInfo[]
function Graph:input_list() end
---@return perigee.ValueInfo[]
function Graph:output_list() end
---@return string[]
function Graph:all_input_names() end
---@return string[]
function Graph:constant_list() end
---@return perigee.Node[]
function Graph:node_list() end
---@return fun(): perigee.Node?
function Graph:nodes() end
---@return fun(): string?, perigee.ValueInfo?
function Graph:inputs() end
---@return fun(): string?, perigee.ValueInfo?
function Graph:outputs() end
---@return fun(): string?, perigee.Tensor?
function Graph:constants() end
---@return table<string, string>
function Graph:metadata() end
---@param key string|integer a name or a 1-based position
---@return perigee.Node?
function Graph:node(key) end
---@param name string
---@return table? info name, dtype, shape, constant, producer, consumers, is_input, is_output
function Graph:value(name) end
---@return table
function Graph:info() end
---A line a node, for people; with "onnx" ONNX's text form, which perigee.load_text reads.
---@param form? "onnx"
---@return string? text
---@return string? message
---@return string? code
function Graph:text(form) end
---@param name string
---@param dtype? perigee.dtype|string or a whole type: "f32 [N,3]", "seq(f32 [N])", "map(i64, f32)"
---@param shape? (integer|string)[]
---@return string name
function Graph:add_input(name, dtype, shape) end
---What is declared of a value; without a type it is forgotten.
---@param name string
---@param dtype? perigee.dtype|string as in add_input
---@param shape? (integer|string)[]
function Graph:set_type(name, dtype, shape) end
---@param name string of a value that exists
---@return string name
function Graph:add_output(name) end
---@param name string? nil for a fresh one; an input's gives that its default
---@param value any a tensor (which becomes read-only) or a table
---@param dtype? perigee.dtype
---@return string name
function Graph:add_constant(name, value, dtype) end
---Initialiser from the elements that are not zero (see ONNX's SparseTensorProto).
---@param name string? nil for a fresh one
---@param sparse { values: any, indices: any, dims: integer[] } indices from 0
---@return string name
function Graph:add_sparse(name, sparse) end

---@class perigee.NodeOptions
---@field name string?
---@field domain string?
---@field overload string? of the function that is called
---@field doc string?
---@field before perigee.Node?

---A subgraph among the attributes is a Graph of `subgraph`, or a function that builds one; kinds
---that a
---plain value can't tell are said with perigee.attr.
---@param type string
---@param inputs string[] "" omits one
---@param outputs string[] "" makes a fresh name
---@param attrs? table<string, any>
---@param opts? perigee.NodeOptions
---@return perigee.Node
function Graph:add(type, inputs, outputs, attrs, opts) end
---An empty graph to be built and then given to a node of this graph as an attribute. Its nodes
---see the
---values of the graphs around it by name.
---@param name? string
---@return perigee.Graph body
function Graph:subgraph(name) end
---The graph around a subgraph; nil for a model and a function's body.
---@return perigee.Graph?
function Graph:parent() end

---@class perigee.FunctionOptions
---@field domain string?
---@field overload string?
---@field doc string?
---@field inputs string[]?
---@field attrs string[]? names of attributes without a default
---@field defaults table<string, any>? attributes with one
---@field opsets table<string, integer>? default the model's

---A function of the model, called by nodes with its name and domain. What comes back is its body.
---@param name string
---@param opts? perigee.FunctionOptions
---@return perigee.Graph body
function Graph:add_function(name, opts) end

---@class perigee.Function
---@field name string
---@field domain string
---@field overload string
---@field doc string?
---@field attrs string[]
---@field defaults table<string, any>
---@field opsets table<string, integer>
---@field body perigee.Graph

---@return perigee.Function[]
function Graph:function_list() end
---@return fun(): perigee.Function?
function Graph:functions() end
---@param name string
---@param domain? string
---@param overload? string
function Graph:remove_function(name, domain, overload) end
---@param node perigee.Node whose outputs nobody uses
function Graph:remove(node) end
---@param from string every use of this value
---@param to string becomes one of this
function Graph:replace(from, to) end
---@param from string
---@param to string
function Graph:rename(from, to) end
---@param name string
function Graph:remove_input(name) end
---@param name string
function Graph:remove_output(name) end
---@param key string
---@param value string? nil removes
function Graph:set_metadata(key, value) end
---@param name string
function Graph:set_name(name) end
---@param text string
---@param value? string of this value instead of the graph
function Graph:set_doc(text, value) end

---@class perigee.ModelInfo
---@field producer string?
---@field producer_version string?
---@field domain string?
---@field doc string?
---@field model_version integer?
---@field ir_version integer?

---What the model says of itself; what isn't named stays.
---@param info perigee.ModelInfo
function Graph:set_info(info) end
---@param version integer
---@param domain? string default ai.onnx
function Graph:set_opset(version, domain) end
---@return true? ok
---@return string? message
---@return string? code
function Graph:verify() end
---Tells the type of every value, subgraphs included, in place; contents of small tensors go along,
---so that shapes which the graph computes are told, too. Sizes without a number are computed
---with by
---name: "2*N+1", "floor((H-1)/2)", "max(M,N)"; those that depend on data get names: "unk_3".
---`shapes` gives inputs other shapes first, `dims` puts numbers in place of names.
---@param opts? boolean|perigee.InferOptions strict, also as a boolean: contradictions are errors
---@return true? ok
---@return perigee.Contradiction[]|string contradictions or message
---@return string? code
function Graph:infer(opts) end
---Inlines functions and rewrites every operator to its newest form, in place.
---@return true? ok
---@return string? message
---@return string? code
function Graph:canonical() end
---What lies between named values, as a model of its own; weights are shared.
---@param opts { inputs: string[], outputs: string[] }
---@return perigee.Graph? part
---@return string[]|string unreached inputs that nothing needs, left out; or what went wrong
---@return string? code
function Graph:extract(opts) end
---Puts named tensors (a checkpoint) into the constants of this graph, in place.
---@param tensors perigee.Tensors|table<string, perigee.Tensor>
---@param opts? { order?: boolean, epsilon?: number }
---@return perigee.PourReport
function Graph:pour(tensors, opts) end
---To the newest operator sets, in place and without expanding anything; or to the form of an
---older one,
---where no operator changed since. Functions whose nodes can't follow are inlined.
---@param opset? integer of ai.onnx
---@return true? ok
---@return string? message
---@return string? code
function Graph:upgrade(opset) end
---Calls of functions become their nodes.
---@return true? ok
---@return string? message
---@return string? code
function Graph:inline() end
---Runs all passes, in place. What comes out is for running here: it may hold operators that ONNX
---doesn't
---have, and then can't be saved.
---@return true? ok
---@return string? message
---@return string? code
function Graph:optimize() end
---@return true? ok
---@return string? message
---@return string? code
function Graph:sort() end
---@param opts? { threads?: integer, optimize?: boolean }
---@return perigee.Session? session
---@return string? message
---@return string? code
function Graph:session(opts) end

-- ---- Node ---------------------------------------------------------------------------------------

---@class perigee.Node
---@field name string can be assigned
---@field doc string? can be assigned
---@field overload string can be assigned
---@field type string
---@field domain string "" for ai.onnx
---@field version integer
---@field graph perigee.Graph that it is in
---@field inputs string[] "" where omitted; a fresh table
---@field outputs string[] a fresh table
---@field attrs table<string, any> as ONNX has them (axes from 0; Graphs); a fresh table
local Node = {}

---@param i integer from 1
---@param name string "" omits it
---@return perigee.Node self
function Node:set_input(i, name) end
---@param attrs table<string, any>
---@return perigee.Node self
function Node:set(attrs) end
---@param name string
---@return perigee.Node self
function Node:unset(name) end
---The types of its outputs from what is known of its inputs, declared in place: what Graph:infer
---tells of a whole model, for makers of graphs who go node by node.
---@return perigee.ValueInfo[]? outputs
---@return string? message
---@return string? code
function Node:infer() end

-- ---- Session ------------------------------------------------------------------------------------

---Names of any values of the graph, or tensors to write into by name.
---@alias perigee.wanted string[]|table<string, perigee.Tensor>

---@class perigee.Session
---@field labels string[]? from the model's metadata
---@overload fun(inputs: table<string|integer, any>, outputs?: perigee.wanted): table
local Session = {}

---Raises on wrong names, types, shapes; nil, message, code when the run fails.
---@param inputs table<string|integer, any> tensors, numbers or tables, by name or position
---@param outputs? perigee.wanted
---@return table<string|integer, any>? outputs by name and position
---@return string? message
---@return string? code
function Session:run(inputs, outputs) end
---@param inputs table<string|integer, any>
---@param outputs? perigee.wanted
---@return perigee.Session? self
---@return string? message
---@return string? code
function Session:start(inputs, outputs) end
---Goes on for about so many milliseconds.
---@param budget_ms? number default 1
---@return boolean? done
---@return string? message
---@return string? code
function Session:step(budget_ms) end
---@return table<string|integer, any>? outputs
---@return string? message
---@return string? code
function Session:finish() end
---Ends a run in progress at its next step.
function Session:cancel() end
function Session:close() end
---@return { weight_bytes: integer, packed_bytes: integer, arena_bytes: integer, n_plans: integer }
function Session:memory() end
---The steps of the last run and where its values lived.
---@return string
function Session:plan() end
---@param inputs table<string|integer, any>
---@return { name: string, type: string, ms: number }[]? steps
---@return table|string outputs
---@return string? code
function Session:profile(inputs) end
---@return perigee.ValueInfo[]
function Session:input_list() end
---@return perigee.ValueInfo[]
function Session:output_list() end
---@return fun(): string?, perigee.ValueInfo?
function Session:inputs() end
---@return fun(): string?, perigee.ValueInfo?
function Session:outputs() end
---@param json string?
---@return perigee.Session self
function Session:remember_labels(json) end
