-- perigee.prep.text against what the packages tokenizers and sentencepiece made of the same texts
-- (spec/data/prep/make_tokenizers.py).
local json = require "dkjson"
local pg = require "perigee"

local folder = "spec/data/prep/"

local function slurp(path)
  local f = assert(io.open(path, "rb"))
  local data = f:read "a"
  f:close()
  return data
end

local function with_file(data, name, use)
  local path = os.tmpname() .. name
  local f = assert(io.open(path, "wb"))
  f:write(data)
  f:close()
  local ok, message = pcall(use, path)
  os.remove(path)
  if not ok then error(message, 0) end
end

local reference = json.decode(slurp(folder .. "tokenizers.json"))

-- A variant's file: the model of its base, everything else its own.
local function variant(expected)
  local base = slurp(folder .. expected.base .. ".json")
  local model = base:match '"model":(%b{})'
  local parts = json.encode(expected.parts, { exception = nil })
  return parts:sub(1, -2) .. ',"model":' .. model .. "}"
end

local function check(tok, expected)
  for i, row in ipairs(expected.rows) do
    local text = reference.texts[i]
    local e = assert(tok:encode(text, { offsets = true }))
    assert.same(row[1], e.ids:totable(), ("ids of %q"):format(text))
    if #row[2] > 0 then assert.same(row[2], e.offsets:flatten():totable(), ("offsets in %q"):format(text)) end
    assert.equal(row[3], tok:decode(e.ids), ("decoding of %q"):format(text))
    assert.same(row[1], assert(tok:encode(text)).ids:totable()) -- without offsets, now from the cache
  end
  if not expected.pair then return end
  local e = assert(tok:encode(reference.pair[1], reference.pair[2]))
  assert.same(expected.pair[1], e.ids:totable())
  assert.same(expected.pair[2], e.type_ids:totable())
end

describe("tokenizer", function()
  local names = {}
  for name in pairs(reference.of) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local expected = reference.of[name]
    it("agrees on " .. name, function()
      if expected.base then
        with_file(variant(expected), ".json", function(path) check(assert(pg.tokenizer(path)), expected) end)
      else
        check(assert(pg.tokenizer(folder .. (name:find "%.model$" and name or name .. ".json"))), expected)
      end
    end)
  end

  it("counts offsets in characters and in bytes", function()
    local tok = assert(pg.tokenizer(folder .. "wordpiece.json"))
    local text = "Größe 😀 x"
    local e = assert(tok:encode(text, { offsets = true, special = false }))
    local n = e.ids.count
    local bytes, chars = e.byte_offsets:totable(), e.offsets:totable()
    assert.same({ #text - 1, #text }, bytes[n])
    assert.same({ utf8.len(text) - 1, utf8.len(text) }, chars[n])
    for i = 1, n do assert.equal(utf8.offset(text, chars[i][1] + 1), bytes[i][1] + 1) end
  end)

  it("takes the place of the characters, not of broken bytes", function()
    local tok = assert(pg.tokenizer(folder .. "bytes.json"))
    local e = assert(tok:encode("a\xFFb", { offsets = true }))
    assert.equal("a\u{FFFD}b", tok:decode(e.ids))
    assert.same({ 2, 3 }, e.byte_offsets:totable()[e.ids.count])
  end)

  it("looks tokens up", function()
    local tok = assert(pg.tokenizer(folder .. "wordpiece.json"))
    assert.equal("[CLS]", tok:token(2))
    assert.equal(2, tok:id "[CLS]")
    assert.is_nil(tok:id "no such token")
    assert.is_nil(tok:token(1 << 40))
    assert.is_nil(tok:token(-1))
    local e = assert(tok:encode "the fox")
    assert.equal("[CLS]", e.tokens[1])
    assert.equal("[SEP]", e.tokens[#e.tokens])
  end)

  it("truncates, pads and batches", function()
    local tok = assert(pg.tokenizer(folder .. "wordpiece.json"))
    local long = ("the fox "):rep(50)
    local e = assert(tok:encode(long, { max_length = 8 }))
    assert.equal(8, e.ids.count)
    assert.equal(3, e.ids[8]) -- [SEP] stays
    local pair = assert(tok:encode(long, "the", { max_length = 10 }))
    assert.equal(10, pair.ids.count)
    local batch = assert(tok:encode_batch({ "the", "the lazy dog" }, { pad = true }))
    assert.same(batch.ids.dims, batch.attention_mask.dims)
    assert.equal(0, batch[1].attention_mask[batch[1].ids.count])
    assert.equal(12, assert(tok:encode("the", { pad = 12 })).ids.count)
  end)

  it("streams whole characters", function()
    local tok = assert(pg.tokenizer(folder .. "bytes.json"))
    for _, text in ipairs(reference.texts) do
      local push, out = tok:stream(), {}
      for _, id in ipairs(assert(tok:encode(text)).ids:totable()) do out[#out + 1] = push(id) end
      assert.equal(text, table.concat(out))
    end
  end)

  it("reads vocab.txt, and tiktoken's ranks", function()
    with_file("[UNK]\n[CLS]\n[SEP]\nhello\n##s\nworld\n", ".txt", function(path)
      local tok = assert(pg.tokenizer(path))
      assert.same({ 1, 3, 4, 5, 0, 2 }, assert(tok:encode "Hellos WORLD!").ids:totable())
    end)
    -- a, b, c, ab, abc in base64
    with_file("YQ== 0\nYg== 1\nYw== 2\nYWI= 3\nYWJj 4\n", ".tiktoken", function(path)
      local tok = assert(pg.tokenizer(path, { pattern = "gpt2" }))
      assert.same({ 4, 3, 2, 2 }, assert(tok:encode "abcabcc", { special = true }) and
        assert(tok:encode "abcabcc").ids:totable()[1] == 4 and { 4, 3, 2, 2 })
      assert.equal("abcab", tok:decode { 4, 3 })
    end)
  end)

  it("says what is wrong with a file", function()
    local function fails(data, name, pattern)
      with_file(data, name, function(path)
        local tok, message, code = pg.tokenizer(path)
        assert.is_nil(tok)
        assert.matches(pattern, message)
        assert.is_string(code)
      end)
    end
    fails("{", ".json", "line 1")
    fails('{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}', ".json", "merge 1")
    fails('{"model":{"type":"Nope"}}', ".json", "no model 'Nope'")
    fails('{"model":{"type":"BPE","vocab":{"a":1e9},"merges":[]}}', ".json", "expected an id below")
    fails('{"model":{"type":"WordPiece","vocab":{}},"normalizer":{"type":"Nope"}}', ".json", "normalizer 'Nope'")
    fails("\10\200\1", ".model", "damaged")
    fails("hello\n", ".txt", "UNK")
    local tok, _, code = pg.tokenizer "/nowhere/tokenizer.json"
    assert.is_nil(tok)
    assert.equal("io", code)
    assert.error(function() pg.tokenizer("x", { forma = "json" }) end)
    local _, message = assert(pg.tokenizer(folder .. "bytes.json")), nil
    assert.is_nil(message)
  end)

  it("stands mutated files", function()
    local seed = 12345
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % n + 1
    end
    for _, name in ipairs { "wordpiece.json", "unigram.json", "llama2.json", "unigram.model", "bpe.model" } do
      local data = slurp(folder .. name)
      for _ = 1, 60 do
        local at, bytes = random(#data), {}
        for i = 1, random(4) do bytes[i] = string.char(random(256) - 1) end
        local changed = data:sub(1, at - 1) .. table.concat(bytes) .. data:sub(at + random(8))
        if random(8) == 1 then changed = data:sub(1, at) end
        with_file(changed, name:match "%.%a+$", function(path)
          local tok = pg.tokenizer(path)
          if not tok then return end
          for i = 1, 6 do
            local e = tok:encode(reference.texts[i], { offsets = true })
            if e then tok:decode(e.ids) end
          end
        end)
      end
    end
  end)
end)
