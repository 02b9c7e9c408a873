--- The messages of ONNX files for wire.lua: field numbers, names and types.
---
--- A field is "NAME:TYPE": i varint, f and d four and eight bytes, s text or bytes, or a message's
--- name; then * repeated. "#" marks a tensor's content, of which only place and count are kept.
local texts = {
  Entry = "1 key:s  2 value:s",
  Opset = "1 domain:s  2 version:i",
  Segment = "1 begin:i  2 end:i",
  Tensor = [[1 dims:i*  2 data_type:i  3 segment:Segment  4 float_data:f#  5 int32_data:i#
    6 string_data:s#  7 int64_data:i#  8 name:s  9 raw_data:s#  10 double_data:d#
    11 uint64_data:i#  13 external_data:Entry*  14 data_location:i  16 metadata_props:Entry*]],
  Sparse = "1 values:Tensor  2 indices:Tensor  3 dims:i*",
  Dim = "1 dim_value:i  2 dim_param:s",
  Shape = "1 dim:Dim*",
  TensorType = "1 elem_type:i  2 shape:Shape",
  SequenceType = "1 elem_type:Type",
  MapType = "1 key_type:i  2 value_type:Type",
  OpaqueType = "1 domain:s  2 name:s",
  Type = [[1 tensor_type:TensorType  4 sequence_type:SequenceType  5 map_type:MapType
    7 opaque_type:OpaqueType  8 sparse_tensor_type:TensorType  9 optional_type:SequenceType]],
  Value = "1 name:s  2 type:Type  4 metadata_props:Entry*",
  Attribute = [[1 name:s  2 f:f  3 i:i  4 s:s  5 t:Tensor  6 g:Graph  7 floats:f*  8 ints:i*
    9 strings:s*  10 tensors:Tensor*  11 graphs:Graph*  14 tp:Type  15 type_protos:Type*  20 type:i
    21 ref_attr_name:s  22 sparse_tensor:Sparse  23 sparse_tensors:Sparse*]],
  Node = [[1 input:s*  2 output:s*  3 name:s  4 op_type:s  5 attribute:Attribute*  7 domain:s
    8 overload:s  9 metadata_props:Entry*]],
  Annotation = "1 tensor_name:s  2 quant_parameter_tensor_names:Entry*",
  Graph = [[1 node:Node*  2 name:s  5 initializer:Tensor*  11 input:Value*  12 output:Value*
    13 value_info:Value*  14 quantization_annotation:Annotation*  15 sparse_initializer:Sparse*
    16 metadata_props:Entry*]],
  Function = [[1 name:s  4 input:s*  5 output:s*  6 attribute:s*  7 node:Node*
    9 opset_import:Opset*  10 domain:s  11 attribute_proto:Attribute*  12 value_info:Value*
    13 overload:s  14 metadata_props:Entry*]],
  Training = [[1 initialization:Graph  2 algorithm:Graph  3 initialization_binding:Entry*
    4 update_binding:Entry*]],
  Configuration = "1 name:s  2 num_devices:i  3 device:s*",
  Model = [[1 ir_version:i  2 producer_name:s  4 domain:s  5 model_version:i  7 graph:Graph
    8 opset_import:Opset*  14 metadata_props:Entry*  20 training_info:Training*
    25 functions:Function*  26 configuration:Configuration*]],
}

local M = {}

for message, text in pairs(texts) do
  local fields = {}
  for number, name, kind, mark in text:gmatch "(%d+) ([%w_]+):(%w+)([*#]?)" do
    fields[tonumber(number)] =
      { name = name, kind = kind, is_list = mark == "*", is_content = mark == "#" }
  end
  M[message] = fields
end

return M
