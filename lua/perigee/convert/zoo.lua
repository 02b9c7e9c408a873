--- Many models at once: finds those in a folder, and reports what became of them. The work itself
--- is zoo_job.lua beside this, run by perigee.batch. See recipes/convert_zoo.lua.
local convert = require "perigee.convert"
local core = require "perigee.core"
local json = require "dkjson"
local lfs = require "lfs"
local text = require "perigee.util.text"

local M = {}

--- The job that perigee.batch runs for each model.
M.job = debug.getinfo(1, "S").source:match "^@(.*/)" .. "zoo_job.lua"

local onnx_endings = { onnx = true, onnxtxt = true, onnxtext = true, perigee = true }

--- Files that a reader knows by content, and ONNX by its name.
local function is_model(path)
  if onnx_endings[(path:match "%.([^./]+)$" or ""):lower()] then return true end
  local bytes = core.bytes_open(path)
  if not bytes then return false end
  local ok, format = pcall(convert.detect, bytes, path)
  return ok and format ~= nil
end

--- The models in a folder and below, in order, as items for perigee.batch.
---@param folder string
---@return table[]? items
---@return string? message
function M.find(folder)
  local items = {}
  local function walk(path)
    local names = {}
    for name in lfs.dir(path) do
      if name:sub(1, 1) ~= "." then names[#names + 1] = name end
    end
    table.sort(names)
    for _, name in ipairs(names) do
      local inner = path .. "/" .. name
      local mode = lfs.attributes(inner, "mode")
      if mode == "directory" then
        walk(inner)
      elseif mode == "file" and is_model(inner) then
        items[#items + 1] = { name = inner, path = inner }
      end
    end
  end
  if lfs.attributes(folder, "mode") ~= "directory" then return nil, folder .. ": not a folder" end
  walk((folder:gsub("(.)/+$", "%1")))
  return items
end

local function lines_of(path)
  local records, file = {}, io.open(path, "rb")
  for line in file and file:lines() or function() end do
    records[#records + 1] = json.decode(line)
  end
  if file then file:close() end
  return records
end

--- What converted, what didn't and why: from the files that perigee.batch left in the folder.
---@param folder string
---@return { converted: table[], failed: table[] }
function M.results(folder)
  return {
    converted = setmetatable(lines_of(folder .. "/results.jsonl"), { __jsontype = "array" }),
    failed = setmetatable(lines_of(folder .. "/failures.jsonl"), { __jsontype = "array" }),
  }
end

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function escape(value) return (tostring(value):gsub('[&<>"]', entities)) end

local function row(cells, tag)
  local between = ("</%s><%s>"):format(tag, tag)
  return ("<tr><%s>%s</%s></tr>"):format(tag, table.concat(cells, between), tag)
end

local function link(path, folder, label)
  local name = path:sub(1, #folder + 1) == folder .. "/" and path:sub(#folder + 2) or path
  return ('<a href="%s">%s</a>'):format(escape(name), escape(label))
end

local function made_cells(made, folder)
  return link(made.path, folder, text.bytes(made.bytes)),
    made.certificate and link(made.certificate, folder, made.verdict) or escape(made.verdict),
    ("%.0f"):format(made.write_ms), ("%.0f"):format(made.proof_ms)
end

local page = [[<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Converted models</title>
<style>body{font:15px sans-serif;margin:2em}table{border-collapse:collapse}
td,th{padding:.3em .8em;border-bottom:1px solid #ccc;text-align:left}</style>
<h1>%d converted, %d not</h1>
<table>%s</table>
<h2>Not converted</h2>
<table>%s</table></html>
]]

--- The same for people: a page with links to the files and the certificates.
---@param results table of M.results
---@param folder string
---@return string html
function M.html(results, folder)
  local good = { row({
    "model", "nodes", "size", "load ms", "ONNX", "proof", "write ms", "proof ms", "container",
    "proof", "write ms", "proof ms",
  }, "th") }
  for _, record in ipairs(results.converted) do
    local r = record.result
    local cells = {
      escape(record.name), tostring(r.nodes), text.bytes(r.bytes), ("%.0f"):format(r.load_ms),
    }
    for _, made in ipairs { r.onnx, r.perigee } do
      for _, cell in ipairs { made_cells(made, folder) } do cells[#cells + 1] = cell end
    end
    good[#good + 1] = row(cells, "td")
  end
  local bad = { row({ "model", "why" }, "th") }
  for _, record in ipairs(results.failed) do
    bad[#bad + 1] = row({ escape(record.name), escape(record.error) }, "td")
  end
  return page:format(#results.converted, #results.failed, table.concat(good, "\n"),
    table.concat(bad, "\n"))
end

--- Writes report.json and report.html into the folder.
---@param folder string
---@return table? results
---@return string? message
function M.report(folder)
  local results = M.results(folder)
  local ok, message = core.write_file(folder .. "/report.json",
    json.encode(results, { indent = true }))
  if ok then ok, message = core.write_file(folder .. "/report.html", M.html(results, folder)) end
  if not ok then return nil, message end
  return results
end

return M
