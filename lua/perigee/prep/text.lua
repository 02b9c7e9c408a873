--- Tokenizers: texts to the ids that language models take, and back.
---
---     local tok = assert(pg.tokenizer "tokenizer.json")
---     local e = assert(tok:encode("Hello, world", { offsets = true }))
---     print(e.ids, e.offsets, tok:decode(e.ids))
---
--- Reads tokenizer.json, SentencePiece models, BERT's vocab.txt, GPT-2's vocab.json with
--- merges.txt,
--- and tiktoken's ranks. Ids count from 0, as models take them. Offsets are pairs [from, to), from
--- 0, in characters (`offsets`, as Hugging Face's tokenizers) and in bytes (`byte_offsets`).
local blame = require "perigee.util.blame"
local core = require "perigee.core"
local options = require "perigee.util.options"
local tensor = require "perigee.tensor"

---@class perigee.Encoding
---@field ids perigee.Tensor i64 [N]
---@field type_ids perigee.Tensor i64 [N]
---@field attention_mask perigee.Tensor i64 [N]: 0 where padded
---@field special_mask perigee.Tensor i64 [N]: 1 for tokens that no text stands behind
---@field offsets? perigee.Tensor i64 [N,2], in characters
---@field byte_offsets? perigee.Tensor i64 [N,2]
---@field tokens string[]

---@class perigee.Tokenizer
---@field token fun(self, id: integer): string? its text, as the vocabulary writes it
---@field id fun(self, token: string): integer?
---@field size fun(self): integer ids run from 0 to below this
---@field close fun(self)
local methods = core.tokenizer_methods

local M = {}

---@class perigee.tokenizer.options
---@field format? "json"|"sentencepiece"|"vocab"|"bpe"|"tiktoken" default: by content
---@field merges? string the file of merges of a vocab.json; default: merges.txt beside it
---@field pattern? string tiktoken: gpt2, cl100k, o200k, llama3, qwen2 or a regular expression
---@field lowercase? boolean vocab.txt: default true

local formats = { json = true, sentencepiece = true, vocab = true, bpe = true, tiktoken = true }

--- Reads a tokenizer.
---@param path string
---@param opts? perigee.tokenizer.options
---@return perigee.Tokenizer? tokenizer
---@return string? message
---@return string? code
function M.tokenizer(path, opts)
  local o = options.check(opts, {
    format = options.none, merges = options.none, pattern = options.none, lowercase = true,
  })
  if o.format ~= nil and not formats[o.format] then
    blame("tokenizer: expected the format json, sentencepiece, vocab, bpe or tiktoken, got '%s'",
      tostring(o.format))
  end
  return core.tokenizer(path, o)
end

-- Tokens are looked up when they are asked for.
local encoding = {}
function encoding:__index(key)
  if key ~= "tokens" then return nil end
  local out, tok, ids = {}, getmetatable(self).tokenizer, self.ids
  for i = 1, ids.count do out[i] = tok:token(ids[i]) end
  self.tokens = out
  return out
end

local known = {
  special = true, offsets = false, truncate = true, max_length = 0, pad = options.none,
}

---@class perigee.encode.options
---@field special? boolean put the special tokens around; default true
---@field offsets? boolean default false
---@field truncate? boolean to max_length, or as the file says; default true
---@field max_length? integer with the special tokens; default: the file's own
---@field pad? boolean|integer to this length; true: as the file says, in a batch to its longest

local function encode(tok, text, pair, o, pad)
  local e, message, code =
    tok:_encode(text, pair, o.special, o.offsets, o.truncate, pad, o.max_length)
  if not e then return nil, message, code end
  return setmetatable(e, { __index = encoding.__index, tokenizer = tok })
end

local function check_options(opts)
  local o = options.check(opts, known)
  local is_length = math.type(o.pad) == "integer" and o.pad > 0
  if o.pad ~= nil and type(o.pad) ~= "boolean" and not is_length then
    blame("option 'pad': expected a boolean or a length")
  end
  return o
end

-- The length to pad to, or nil: `pad` of the options, or what the file says of texts of `longest`
-- tokens.
local function pad_length(tok, o, longest)
  if o.pad == false then return nil end
  if math.type(o.pad) == "integer" then return o.pad end
  local length, multiple = tok:_padding()
  if not length then return o.pad and longest or nil end
  if length == 0 then length = longest end
  if multiple > 1 then length = (length + multiple - 1) // multiple * multiple end
  return length
end

--- Encodes a text, or a pair of texts.
---@param text string UTF-8; each byte that belongs to no character counts as U+FFFD
---@param pair? string|perigee.encode.options
---@param opts? perigee.encode.options
---@return perigee.Encoding? encoding
---@return string? message
---@return string? code
function methods:encode(text, pair, opts)
  if type(pair) == "table" then pair, opts = nil, pair end
  local o = check_options(opts)
  local e, message, code = encode(self, text, pair, o)
  if not e then return nil, message, code end
  local length = pad_length(self, o, e.ids.count)
  if not length or length <= e.ids.count then return e end
  return encode(self, text, pair, o, length)
end

--- Encodes many texts (or pairs { a, b }). With padding the results have equal lengths, and
--- `batch.ids` and the others are matrices.
---@param texts (string|string[])[]
---@param opts? perigee.encode.options
---@return table? batch an array of encodings; ids, type_ids, attention_mask [B,N] for equal lengths
---@return string? message
---@return string? code
function methods:encode_batch(texts, opts)
  local o = check_options(opts)
  local out, longest, message, code = {}, 0, nil, nil
  local function one(i, pad)
    local text, pair = texts[i], nil
    if type(text) == "table" then text, pair = text[1], text[2] end
    out[i], message, code = encode(self, text, pair, o, pad)
    return out[i]
  end
  for i = 1, #texts do
    if not one(i) then return nil, ("text %d: %s"):format(i, message), code end
    longest = math.max(longest, out[i].ids.count)
  end
  local length = pad_length(self, o, longest)
  local is_even = true
  for i = 1, #texts do
    if length and out[i].ids.count < length then one(i, length) end
    is_even = is_even and out[i].ids.count == out[1].ids.count
  end
  if is_even and #texts > 0 and out[1].ids.count > 0 then
    for _, key in ipairs { "ids", "type_ids", "attention_mask" } do
      local rows = {}
      for i = 1, #texts do rows[i] = out[i][key] end
      out[key] = tensor.stack(rows, 1)
    end
  end
  return out
end

local function to_ids(ids)
  if type(ids) == "table" then
    if #ids == 0 then return nil end
    return tensor(ids, "i64")
  end
  return ids:cast("i64"):contiguous()
end

--- The text of ids: a tensor or an array.
---@param ids perigee.Tensor|integer[]
---@param opts? { skip_special?: boolean } default true
---@return string? text
---@return string? message
---@return string? code
function methods:decode(ids, opts)
  local o = options.check(opts, { skip_special = true })
  local t = to_ids(ids)
  if not t then return "" end
  return self:_decode(t, o.skip_special)
end

local BROKEN = "\u{FFFD}"

--- Decodes ids one by one, for texts that are still being written: a function that takes an id and
--- returns the new text, "" while a character is not complete yet.
---@param opts? { skip_special?: boolean }
---@return fun(id: integer): string
function methods:stream(opts)
  local o = options.check(opts, { skip_special = true })
  local ids, before, shown = {}, "", 0 -- `before`: the text of ids[1 .. shown]
  return function(id)
    ids[#ids + 1] = id
    local text = self:decode(ids, o)
    if text == nil then blame("stream: no token has the id %s", tostring(id)) end
    if #text <= #before or text:sub(-#BROKEN) == BROKEN then return "" end
    local new = text:sub(#before + 1)
    -- Only the last tokens are needed to know what the next one adds.
    local kept = {}
    for i = shown + 1, #ids do kept[#kept + 1] = ids[i] end
    ids, shown = kept, #kept
    before = self:decode(ids, o)
    return new
  end
end

return M
