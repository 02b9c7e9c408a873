--- Element types as the IR writes them: in attributes and as precisions of ports.
local M = {}

M.dtypes = {
  f64 = "f64", f32 = "f32", f16 = "f16", bf16 = "bf16", i64 = "i64", i32 = "i32", i16 = "i16",
  i8 = "i8", i4 = "i4", i2 = "i2", u64 = "u64", u32 = "u32", u16 = "u16", u8 = "u8", u4 = "u4",
  u2 = "u2", boolean = "bool", string = "string", f8e4m3 = "f8e4m3fn", f8e5m2 = "f8e5m2",
  f4e2m1 = "f4e2m1", f8e8m0 = "f8e8m0",
  -- What has no type of its own: single bits hold 0 and 1, NormalFloat4 is expanded.
  u1 = "u8", nf4 = "f32",
}

M.precisions = {
  FP64 = "f64", FP32 = "f32", FP16 = "f16", BF16 = "bf16", I64 = "i64", I32 = "i32", I16 = "i16",
  I8 = "i8", I4 = "i4", I2 = "i2", U64 = "u64", U32 = "u32", U16 = "u16", U8 = "u8", U4 = "u4",
  U2 = "u2", BOOL = "bool", BIN = "u8", U1 = "u8", NF4 = "f32", STRING = "string",
  F8E4M3 = "f8e4m3fn", F8E5M2 = "f8e5m2", F4E2M1 = "f4e2m1", F8E8M0 = "f8e8m0",
}

--- The sixteen values of NormalFloat4 (Dettmers et al., QLoRA, 2023, appendix E).
M.nf4 = {
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
  0.7229568362236023, 1.0,
}

--- ONNX's numbers of element types (onnx.proto, TensorProto.DataType), for attributes.
M.codes = {
  f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, string = 8, bool = 9, f16 = 10,
  f64 = 11, u32 = 12, u64 = 13, bf16 = 16, f8e4m3fn = 17, f8e5m2 = 19, u4 = 21, i4 = 22,
  f4e2m1 = 23, f8e8m0 = 24, u2 = 25, i2 = 26,
}

M.is_float = { f64 = true, f32 = true, f16 = true, bf16 = true }

return M
