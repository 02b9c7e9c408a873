std = "lua54"
max_line_length = 100
files["spec"] = { std = "lua54+busted", max_line_length = 120 }
files["lua/perigee/convert"] = { max_line_length = 120 }
files["spec/data"] = { max_line_length = false }
files["rockspec"] = { std = "lua54+rockspec" }
files["lua/perigee/meta"] = { ignore = { "211", "212", "221", "231", "241" } }
files["lua/perigee/check/schema_data.lua"] = { max_line_length = false }
