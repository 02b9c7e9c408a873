"""Writes .tflite models of one operator that the converter does not (or no longer) write: recurrent cells,
uint8, hybrid kernels, custom operators, with inputs and the reference kernels' outputs.

make_tflite_raw.py FOLDER [NAME...]; needs ai-edge-litert, flatbuffers, numpy.
"""
import os,sys,numpy as np,flatbuffers
os.environ["TF_CPP_MIN_LOG_LEVEL"]="3"
from ai_edge_litert import schema_py_generated as s
from ai_edge_litert.interpreter import Interpreter, OpResolverType
root=sys.argv[1]; only=sys.argv[2:]
TT={np.dtype(np.float32):0,np.dtype(np.int32):2,np.dtype(np.uint8):3,np.dtype(np.int64):4,np.dtype(np.bool_):6,np.dtype(np.int16):7,np.dtype(np.int8):9}
r=np.random.RandomState(3)
class T:
    def __init__(t,shape,dtype=np.float32,data=None,var=False,scale=None,zero=0,inp=False,lo=-1,hi=1,axis=0):
        t.shape=list(shape); t.dtype=np.dtype(dtype); t.data=data; t.var=var; t.scale=scale; t.zero=zero; t.inp=inp; t.lo=lo; t.hi=hi; t.axis=axis
def C(*shape,dtype=np.float32,lo=-.5,hi=.5,scale=None,zero=0,data=None):
    if data is None:
        data=r.uniform(lo,hi,shape) if np.dtype(dtype).kind=='f' else r.randint(lo,hi,shape)
    data=np.asarray(data,dtype)
    return T(data.shape,dtype,data,scale=scale,zero=zero)
def I(*shape,dtype=np.float32,scale=None,zero=0,lo=-1,hi=1): return T(shape,dtype,scale=scale,zero=zero,inp=True,lo=lo,hi=hi)
def V(*shape,dtype=np.float32,scale=None,zero=0): return T(shape,dtype,var=True,scale=scale,zero=zero)
def O(*shape,dtype=np.float32,scale=None,zero=0): return T(shape,dtype,scale=scale,zero=zero)
def build(code,optname,opts,ins,outs,version=1,custom=None,customopt=None,inter=()):
    m=s.ModelT(); m.version=3; m.buffers=[s.BufferT()]; m.description="t"
    g=s.SubGraphT(); g.tensors=[]; g.name="main"
    idx={}
    for k,t in enumerate([t for t in list(ins)+list(outs)+list(inter) if t is not None]):
        x=s.TensorT(); x.shape=t.shape; x.type=TT[t.dtype]; x.name=f"t{k}"; x.isVariable=t.var
        if t.data is not None:
            b=s.BufferT(); b.data=np.frombuffer(t.data.tobytes(),np.uint8); m.buffers.append(b); x.buffer=len(m.buffers)-1
        if t.scale is not None:
            q=s.QuantizationParametersT(); q.scale=np.atleast_1d(np.float32(t.scale)); q.zeroPoint=np.atleast_1d(np.int64(t.zero))
            if len(q.zeroPoint)!=len(q.scale): q.zeroPoint=np.zeros(len(q.scale),np.int64)
            q.quantizedDimension=t.axis; x.quantization=q
        g.tensors.append(x); idx[id(t)]=k
    o=s.OperatorT(); o.inputs=[idx[id(t)] if t is not None else -1 for t in ins]; o.outputs=[idx[id(t)] for t in outs]
    if inter: o.intermediates=[idx[id(t)] for t in inter]
    if optname:
        o.builtinOptionsType=getattr(s.BuiltinOptions,optname); oo=getattr(s,optname+"T")()
        for a,b in opts.items(): assert hasattr(oo,a),a; setattr(oo,a,b)
        o.builtinOptions=oo
    if customopt is not None: o.customOptions=np.frombuffer(customopt,np.uint8)
    c=s.OperatorCodeT(); c.builtinCode=code; c.deprecatedBuiltinCode=min(code,127); c.version=version
    if custom: c.customCode=custom
    m.operatorCodes=[c]; g.operators=[o]; g.inputs=[idx[id(t)] for t in ins if t is not None and t.inp]; g.outputs=[idx[id(t)] for t in outs]
    m.subgraphs=[g]
    b=flatbuffers.Builder(1024); b.Finish(m.Pack(b),b"TFL3"); return bytes(b.Output())
BO=s.BuiltinOperator
def raw(name,code,optname,opts,ins,outs,version=1,**kw):
    if only and not any(name.startswith(o) for o in only): return
    d=f"{root}/{name}"; os.makedirs(d,exist_ok=True)
    mb=build(code,optname,opts,ins,outs,version,**kw); open(d+"/model.tflite","wb").write(mb)
    for f in os.listdir(d):
        if f!="model.tflite": os.remove(d+"/"+f)
    pid=os.fork()
    if pid:
        _,st=os.waitpid(pid,0)
        if st: print('CRASH',name,st,flush=True)
        return
    err=None
    for res in (OpResolverType.BUILTIN_REF,OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            it=Interpreter(model_content=mb,experimental_op_resolver_type=res); it.allocate_tensors()
            rr=np.random.RandomState(9)
            tin=[t for t in ins if t is not None and t.inp]
            for i,(x,t) in enumerate(zip(it.get_input_details(),tin)):
                v=rr.uniform(t.lo,t.hi,t.shape).astype(t.dtype) if t.dtype.kind=='f' else rr.randint(t.lo if t.hi-t.lo>2 else np.iinfo(t.dtype).min,t.hi if t.hi-t.lo>2 else np.iinfo(t.dtype).max+1,t.shape).astype(t.dtype) if t.dtype.kind in 'iu' else rr.rand(*t.shape)>.5
                it.set_tensor(x["index"],v); np.save(f"{d}/in_{i}.npy",v)
            it.invoke()
            for i,x in enumerate(it.get_output_details()): np.save(f"{d}/out_{i}.npy",it.get_tensor(x["index"]))
            open(d+"/done","w").write("ok"); os._exit(0)
        except Exception as e:
            err=err or e
            if "Didn't find" not in str(e): break
    print("SKIP",name,str(err).replace("\n"," ")[:250],flush=True); os._exit(0)
def q8(*shape): 
    return C(*shape,dtype=np.int8,lo=-127,hi=128,scale=0.01)
def lstm(w,n_in,n,cifg=False,peep=False,proj=None,norm=False,b=2):
    ho=proj or n
    ins=[None if cifg else w(n,n_in),w(n,n_in),w(n,n_in),w(n,n_in)]
    ins+=[None if cifg else w(n,ho),w(n,ho),w(n,ho),w(n,ho)]
    ins+=[(None if cifg else w(n)) if peep else None, w(n) if peep else None, w(n) if peep else None]
    ins+=[None if cifg else C(n),C(n),C(n),C(n)]
    ins+=[w(ho,n) if proj else None, C(ho) if proj else None]
    return ins, [V(b,ho),V(b,n)], [None if cifg else C(n),C(n),C(n),C(n)] if norm else [], ho
for wn,w in (("f",C),("h",q8)):
  for asym in ((False,True) if wn=="h" else (False,)):
    for nm,kw in (("plain",{}),("cifg",dict(cifg=True)),("peep",dict(peep=True)),("proj",dict(proj=5,peep=True)),("norm",dict(norm=True,peep=True)),("all",dict(norm=True,peep=True,proj=5,cifg=True))):
        for tm in (False,True):
            ins,st,norm,ho=lstm(w,4,6,**kw)
            x=I(3,2,4) if tm else I(2,3,4)
            raw(f"ulstm_{wn}{'a' if asym else ''}_{nm}_{int(tm)}",BO.UNIDIRECTIONAL_SEQUENCE_LSTM,"UnidirectionalSequenceLSTMOptions",dict(fusedActivationFunction=4,cellClip=0.3 if tm else 0.,projClip=0.2 if tm else 0.,timeMajor=tm,asymmetricQuantizeInputs=asym),[x]+ins+st+norm,[O(3,2,ho) if tm else O(2,3,ho)],version=3 if wn=="h" else 1)
        ins,st,norm,ho=lstm(w,4,6,**kw)
        raw(f"lstm_{wn}{'a' if asym else ''}_{nm}",BO.LSTM,"LSTMOptions",dict(fusedActivationFunction=4,asymmetricQuantizeInputs=asym),[I(2,4)]+ins+st+norm,[O(2,ho)],version=4 if wn=="h" else 1)
    for mg in (False,True):
        i1,s1,_,_=lstm(w,4,6); i2,s2,_,_=lstm(w,4,6)
        raw(f"bilstm_{wn}{'a' if asym else ''}_{int(mg)}",BO.BIDIRECTIONAL_SEQUENCE_LSTM,"BidirectionalSequenceLSTMOptions",dict(fusedActivationFunction=4,mergeOutputs=mg,timeMajor=True,asymmetricQuantizeInputs=asym),[I(3,2,4)]+i1+i2+s1+s2+[None]*9,[O(3,2,12)] if mg else [O(3,2,6),O(3,2,6)],version=3 if wn=="h" else 1)
    i1,s1,_,_=lstm(w,4,6); i2,s2,_,_=lstm(w,4,6)
    raw(f"bilstm_{wn}{'a' if asym else ''}_aux",BO.BIDIRECTIONAL_SEQUENCE_LSTM,"BidirectionalSequenceLSTMOptions",dict(fusedActivationFunction=4,mergeOutputs=False,timeMajor=True,asymmetricQuantizeInputs=asym),[I(3,2,4)]+i1+i2+s1+s2+[I(3,2,3)]+[w(6,3) for _ in range(8)],[O(3,2,6),O(3,2,6)],version=3 if wn=="h" else 1)
    for act in (1,4):
        raw(f"rnn_{wn}{'a' if asym else ''}_{act}",BO.RNN,"RNNOptions",dict(fusedActivationFunction=act,asymmetricQuantizeInputs=asym),[I(2,4),w(6,4),w(6,6),C(6),V(2,6)],[O(2,6)],version=2 if wn=="h" else 1)
        for tm in (False,True):
            raw(f"urnn_{wn}{'a' if asym else ''}_{act}_{int(tm)}",BO.UNIDIRECTIONAL_SEQUENCE_RNN,"SequenceRNNOptions",dict(fusedActivationFunction=act,timeMajor=tm,asymmetricQuantizeInputs=asym),[I(3,2,4) if tm else I(2,3,4),w(6,4),w(6,6),C(6),V(2,6)],[O(3,2,6) if tm else O(2,3,6)],version=2 if wn=="h" else 1)
        raw(f"birnn_{wn}{'a' if asym else ''}_{act}",BO.BIDIRECTIONAL_SEQUENCE_RNN,"BidirectionalSequenceRNNOptions",dict(fusedActivationFunction=act,timeMajor=True,mergeOutputs=act==1,asymmetricQuantizeInputs=asym),[I(3,2,4),w(6,4),w(6,6),C(6),V(2,6),w(5,4),w(5,5),C(5),V(2,5),None,None,None],[O(3,2,11)] if act==1 else [O(3,2,6),O(3,2,5)],version=2 if wn=="h" else 1)
    for rank in (1,2):
        raw(f"svdf_{wn}{'a' if asym else ''}_{rank}",BO.SVDF,"SVDFOptions",dict(rank=rank,fusedActivationFunction=1,asymmetricQuantizeInputs=asym),[I(2,4),w(6,4),C(6,5) if wn=="f" else q8(6,5),C(6//rank),V(2,30)],[O(2,6//rank)],version=2 if wn=="h" else 1)
raw("svdf_int8",BO.SVDF,"SVDFOptions",dict(rank=2,fusedActivationFunction=1),[I(2,4,dtype=np.int8,scale=0.01,zero=3),C(6,4,dtype=np.int8,lo=-127,hi=128,scale=.02),C(6,5,dtype=np.int16,lo=-3000,hi=3000,scale=2**-15),C(3,dtype=np.int32,lo=-100,hi=100,scale=2**-15*.001),V(2,30,dtype=np.int16,scale=.001)],[O(2,3,dtype=np.int8,scale=.0005,zero=-5)],version=3)
raw("basic_lstm",BO.LSTM,"LSTMOptions",dict(fusedActivationFunction=4,kernelType=1),[I(2,4),I(2,6),C(24,10),C(24),I(2,6)],[O(2,6),O(2,6),O(2,10),O(2,24)],version=2)
raw("l2pool",BO.L2_POOL_2D,"Pool2DOptions",dict(padding=0,strideW=2,strideH=2,filterWidth=3,filterHeight=3,fusedActivationFunction=1),[I(1,7,6,3)],[O(1,4,3,3)])
for cmb in (0,1,2):
    raw(f"embsparse_{cmb}",BO.EMBEDDING_LOOKUP_SPARSE,"EmbeddingLookupSparseOptions",dict(combiner=cmb),[C(data=[1,3,0],dtype=np.int32),C(data=[[0,0],[2,0],[2,1]],dtype=np.int32),C(data=[3,2],dtype=np.int32),I(3,lo=.5,hi=1),C(4,3,2)],[O(3,3,2)])
raw("hlookup",BO.HASHTABLE_LOOKUP,None,{},[I(3,dtype=np.int32,lo=0,hi=6),C(data=[0,2,4],dtype=np.int32),C(3,2)],[O(3,2),O(3,dtype=np.uint8)])
raw("dus",BO.DYNAMIC_UPDATE_SLICE,"DynamicUpdateSliceOptions",{},[I(4,5),I(2,2),C(data=[1,2],dtype=np.int32)],[O(4,5)])
raw("dus_clamp",BO.DYNAMIC_UPDATE_SLICE,"DynamicUpdateSliceOptions",{},[I(4,5),I(2,2),C(data=[3,-2],dtype=np.int32)],[O(4,5)])
raw("segsum",BO.SEGMENT_SUM,"SegmentSumOptions",{},[I(5,2),C(data=[0,0,1,1,2],dtype=np.int32)],[O(3,2)])
for dt in (np.uint8,):
    q=dict(dtype=dt,scale=.02,zero=120)
    for n,c,on in (("add",BO.ADD,"AddOptions"),("sub",BO.SUB,"SubOptions"),("mul",BO.MUL,"MulOptions"),("div",BO.DIV,"DivOptions")):
        raw(n+"_u8",c,on,{},[I(2,3,4,**q),I(2,3,4,dtype=dt,scale=.03,zero=100),],[O(2,3,4,dtype=dt,scale=.05,zero=130)],version=1)
    raw("conv_u8",BO.CONV_2D,"Conv2DOptions",dict(padding=0,strideW=1,strideH=1,dilationWFactor=1,dilationHFactor=1,fusedActivationFunction=1),[I(1,6,6,3,**q),C(4,3,3,3,dtype=dt,lo=0,hi=256,scale=.01,zero=125),C(4,dtype=np.int32,lo=-500,hi=500,scale=.0002)],[O(1,6,6,4,dtype=dt,scale=.08,zero=110)])
    raw("dw_u8",BO.DEPTHWISE_CONV_2D,"DepthwiseConv2DOptions",dict(padding=0,strideW=1,strideH=1,dilationWFactor=1,dilationHFactor=1,depthMultiplier=2),[I(1,6,6,3,**q),C(1,3,3,6,dtype=dt,lo=0,hi=256,scale=.01,zero=125),C(6,dtype=np.int32,lo=-500,hi=500,scale=.0002)],[O(1,6,6,6,dtype=dt,scale=.04,zero=110)])
    raw("fc_u8",BO.FULLY_CONNECTED,"FullyConnectedOptions",dict(fusedActivationFunction=1),[I(5,20,**q),C(40,20,dtype=dt,lo=0,hi=256,scale=.01,zero=125),C(40,dtype=np.int32,lo=-500,hi=500,scale=.0002)],[O(5,40,dtype=dt,scale=.06,zero=110)])
    raw("tconv_u8",BO.TRANSPOSE_CONV,"TransposeConvOptions",dict(padding=0,strideW=2,strideH=2),[C(data=[1,8,8,4],dtype=np.int32),C(4,3,3,3,dtype=dt,lo=0,hi=256,scale=.01,zero=125),I(1,4,4,3,**q)],[O(1,8,8,4,dtype=dt,scale=.05,zero=110)])
    raw("avg_u8",BO.AVERAGE_POOL_2D,"Pool2DOptions",dict(padding=0,strideW=2,strideH=2,filterWidth=3,filterHeight=3),[I(1,7,6,3,**q)],[O(1,4,3,3,**q)])
    raw("max_u8",BO.MAX_POOL_2D,"Pool2DOptions",dict(padding=0,strideW=2,strideH=2,filterWidth=3,filterHeight=3,fusedActivationFunction=1),[I(1,7,6,3,**q)],[O(1,4,3,3,**q)])
    raw("logistic_u8",BO.LOGISTIC,None,{},[I(40,**q)],[O(40,dtype=dt,scale=1/256,zero=0)])
    raw("tanh_u8",BO.TANH,None,{},[I(40,**q)],[O(40,dtype=dt,scale=1/128,zero=128)])
    raw("softmax_u8",BO.SOFTMAX,"SoftmaxOptions",dict(beta=1.),[I(4,10,**q)],[O(4,10,dtype=dt,scale=1/256,zero=0)])
    raw("logsoftmax_u8",BO.LOG_SOFTMAX,"LogSoftmaxOptions",{},[I(4,10,**q)],[O(4,10,dtype=dt,scale=16/256,zero=255)])
    raw("prelu_u8",BO.PRELU,None,{},[I(1,3,3,4,**q),C(1,1,4,dtype=dt,lo=0,hi=256,scale=.01,zero=128)],[O(1,3,3,4,**q)])
    raw("leaky_u8",BO.LEAKY_RELU,"LeakyReluOptions",dict(alpha=.2),[I(40,**q)],[O(40,dtype=dt,scale=.015,zero=100)])
    raw("hswish_u8",BO.HARD_SWISH,"HardSwishOptions",{},[I(40,dtype=dt,scale=.04,zero=120)],[O(40,dtype=dt,scale=.02,zero=20)])
    raw("relu_u8",BO.RELU,None,{},[I(40,**q)],[O(40,dtype=dt,scale=.015,zero=10)])
    raw("relu6_u8",BO.RELU6,None,{},[I(40,**q)],[O(40,dtype=dt,scale=.015,zero=10)])
    raw("concat_u8",BO.CONCATENATION,"ConcatenationOptions",dict(axis=1),[I(2,3,**q),I(2,4,dtype=dt,scale=.03,zero=100)],[O(2,7,dtype=dt,scale=.03,zero=100)])
    raw("mean_u8",BO.MEAN,"ReducerOptions",dict(keepDims=True),[I(1,4,5,3,**q),C(data=[1,2],dtype=np.int32)],[O(1,1,1,3,dtype=dt,scale=.015,zero=110)])
    raw("mean2_u8",BO.MEAN,"ReducerOptions",dict(keepDims=False),[I(2,4,5,**q),C(data=[2],dtype=np.int32)],[O(2,4,dtype=dt,scale=.015,zero=110)])
    raw("sum_u8",BO.SUM,"ReducerOptions",dict(keepDims=False),[I(2,4,5,**q),C(data=[2],dtype=np.int32)],[O(2,4,dtype=dt,scale=.1,zero=110)])
    raw("l2norm_u8",BO.L2_NORMALIZATION,"L2NormOptions",{},[I(4,9,**q)],[O(4,9,dtype=dt,scale=1/128,zero=128)])
    raw("rbil_u8",BO.RESIZE_BILINEAR,"ResizeBilinearOptions",{},[I(1,4,5,3,**q),C(data=[7,9],dtype=np.int32)],[O(1,7,9,3,**q)],version=1)
    raw("pad_u8",BO.PAD,"PadOptions",{},[I(3,4,**q),C(data=[[1,1],[0,2]],dtype=np.int32)],[O(5,6,**q)])
    raw("quant_u8",BO.QUANTIZE,"QuantizeOptions",{},[I(30,**q)],[O(30,dtype=np.int8,scale=.03,zero=5)])
    raw("sqdiff_i8",BO.SQUARED_DIFFERENCE,"SquaredDifferenceOptions",{},[I(30,dtype=np.int8,scale=.02,zero=3),I(30,dtype=np.int8,scale=.03,zero=-4)],[O(30,dtype=np.int8,scale=.2,zero=-100)],version=2)
    raw("less_u8",BO.LESS,"LessOptions",{},[I(60,**q),I(60,dtype=dt,scale=.021,zero=100)],[O(60,dtype=np.bool_)],version=1)
raw("div_i8",BO.DIV,"DivOptions",{},[I(60,dtype=np.int8,scale=.02,zero=3),I(60,dtype=np.int8,scale=.03,zero=-128)],[O(60,dtype=np.int8,scale=.02,zero=-100)],version=3)
raw("abs_i8",BO.ABS,"AbsOptions",{},[I(60,dtype=np.int8,scale=.02,zero=3)],[O(60,dtype=np.int8,scale=.015,zero=-100)],version=2)
raw("logsoftmax_i8",BO.LOG_SOFTMAX,"LogSoftmaxOptions",{},[I(20,10,dtype=np.int8,scale=.08,zero=3)],[O(20,10,dtype=np.int8,scale=16/256,zero=127)],version=2)
raw("fc_hyb",BO.FULLY_CONNECTED,"FullyConnectedOptions",{},[I(5,20),q8(40,20),C(40)],[O(5,40)],version=3)
raw("fc_hyba",BO.FULLY_CONNECTED,"FullyConnectedOptions",dict(asymmetricQuantizeInputs=True),[I(5,20),q8(40,20),C(40)],[O(5,40)],version=9)
pc=C(4,3,3,3,dtype=np.int8,lo=-127,hi=128,scale=[.01,.02,.03,.015])
raw("conv_hybpc",BO.CONV_2D,"Conv2DOptions",dict(padding=0,strideW=1,strideH=1,dilationWFactor=1,dilationHFactor=1),[I(2,6,6,3),pc,C(4)],[O(2,6,6,4)],version=5)
raw("conv_hyb",BO.CONV_2D,"Conv2DOptions",dict(padding=0,strideW=1,strideH=1,dilationWFactor=1,dilationHFactor=1),[I(2,6,6,3),q8(4,3,3,3),C(4)],[O(2,6,6,4)],version=2)
dwp=T([1,3,3,4],np.int8,r.randint(-127,128,(1,3,3,4)).astype(np.int8),scale=[.01,.02,.03,.015],axis=3)
raw("dw_hybpc",BO.DEPTHWISE_CONV_2D,"DepthwiseConv2DOptions",dict(padding=0,strideW=1,strideH=1,dilationWFactor=1,dilationHFactor=1,depthMultiplier=1),[I(2,6,6,4),dwp,C(4)],[O(2,6,6,4)],version=6)
raw("bmm_hyb",BO.BATCH_MATMUL,"BatchMatMulOptions",dict(adjY=False),[I(2,3,5),C(2,5,4,dtype=np.int8,lo=-127,hi=128,scale=.01)],[O(2,3,4)],version=2)
raw("bmm_hyba",BO.BATCH_MATMUL,"BatchMatMulOptions",dict(asymmetricQuantizeInputs=True),[I(2,3,5),C(2,5,4,dtype=np.int8,lo=-127,hi=128,scale=.01)],[O(2,3,4)],version=4)
raw("revseq2",BO.REVERSE_SEQUENCE,"ReverseSequenceOptions",dict(seqDim=2,batchDim=0),[I(3,2,4),C(data=[2,4,1],dtype=np.int32)],[O(3,2,4)])
raw("dilate",BO.DILATE,None,{},[I(2,3),C(data=[2,3],dtype=np.int32),C(data=np.float32(0.5))],[O(3,7)])
import struct
def fb(d):
    b=flatbuffers.flexbuffers.Builder() if hasattr(flatbuffers,"flexbuffers") else None
    from flatbuffers import flexbuffers
    b=flexbuffers.Builder()
    with b.Map():
        for k,v in d.items():
            b.Key(k)
            (b.Int if isinstance(v,(bool,int)) else b.Float)(v) if not isinstance(v,bool) else b.Bool(v)
    return bytes(b.Finish())
boxes=np.float32(r.uniform(-.5,.5,(1,6,4))); anchors=np.float32([[.5,.5,1,1],[.5,.55,1,1],[.5,.5,1,1],[.5,10.5,1,1],[.5,10.55,1,1],[.5,100.5,1,1]])
for reg in (False,True):
    raw(f"ssd_{int(reg)}",BO.CUSTOM,None,{},[I(1,6,4,lo=-.3,hi=.3),I(1,6,3,lo=0,hi=1),C(data=anchors)],[O(1,3,4),O(1,3),O(1,3),O(1)],custom="TFLite_Detection_PostProcess",customopt=fb(dict(max_detections=3,max_classes_per_detection=1,num_classes=2,nms_score_threshold=0.0,nms_iou_threshold=0.5,y_scale=10.0,x_scale=10.0,h_scale=5.0,w_scale=5.0,use_regular_nms=reg)))
