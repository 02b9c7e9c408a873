"""Cases of make_torch.py: one small model of many families of timm, random weights."""
import timm
import torch
from make_torch import Case

CASES = []
# family: size of the picture
for line in """resnet10t 64|resnet26d 64|resnetv2_18 64|seresnet33ts 64|ecaresnet26t 64|resnest14d 64|res2net50_14w_8s 64|sknet 64|skresnet18 64|dpn48b 64|dla34 64|selecsls42 64|hrnet_w18_small 64|
vgg11 64|densenet121 64|xception41 96|inception_v4 96|inception_resnet_v2 96|nasnetalarge 0|mobilenetv1_100 64|mobilenetv2_035 64|mobilenetv3_small_050 64|mobilenetv4_conv_small_035 64|
mobilenetv4_hybrid_medium 64|fbnetc_100 64|efficientnet_b0 64|efficientnet_lite0 64|efficientnetv2_rw_t 64|tf_efficientnet_b0 64|tf_efficientnetv2_b0 64|tinynet_e 64|mixnet_s 64|tf_mixnet_s 64|ghostnet_050 64|ghostnetv2_100 64|
lcnet_035 64|mnasnet_small 64|spnasnet_100 64|semnasnet_075 64|hardcorenas_a 64|rexnet_100 64|regnetx_002 64|regnety_002 64|regnetz_005 64|repvgg_a0 64|repghostnet_050 64|repvit_m1 64|mobileone_s0 64|fasternet_t0 64|
vovnet39a 64|ese_vovnet19b_dw 64|cspresnet50 64|cspdarknet53 64|darknet17 64|gernet_s 64|nf_resnet26 64|nfnet_l0 64|dm_nfnet_f0 64|bat_resnext26ts 64|lambda_resnet26t 64|halonet26t 64|botnet26t_256 0|
lambda_resnet26rpt_256 0|haloregnetz_b 64|eca_halonext26ts 64|gcresnext26ts 64|convnext_atto 64|convnextv2_atto 64|convnext_femto_ols 64|inception_next_atto 64|edgenext_xx_small 64|starnet_s1 64|focalnet_tiny_srf 64|
metaformer_x 0|poolformer_s12 64|poolformerv2_s12 64|convformer_s18 64|caformer_s18 64|vit_tiny_patch16_224 224|vit_small_patch32_224 224|vit_base_patch16_rope_reg1_gap_256 0|vit_relpos_small_patch16_224 224|vit_srelpos_small_patch16_224 224|
vit_xsmall_patch16_clip_224 224|vit_tiny_r_s16_p8_224 224|vit_wee_patch16_reg1_gap_256 256|vit_dpwee_patch16_reg1_gap_256 256|vit_pwee_patch16_reg1_gap_256 256|flexivit_small 240|deit_tiny_patch16_224 224|deit_tiny_distilled_patch16_224 224|deit3_small_patch16_224 224|
eva02_tiny_patch14_224 224|beit_base_patch16_224 0|cait_xxs24_224 224|xcit_nano_12_p16_224 224|swin_tiny_patch4_window7_224 224|swinv2_cr_tiny_ns_224 224|swinv2_tiny_window8_256 256|swin_s3_tiny_224 224|twins_pcpvt_small 64|twins_svt_small 64|pvt_v2_b0 64|
pit_ti_224 224|pit_ti_distilled_224 224|levit_128s 224|levit_conv_128s 224|tnt_s_patch16_224 224|visformer_tiny 224|crossvit_tiny_240 240|convit_tiny 224|coat_lite_tiny 224|coat_tiny 224|coatnet_nano_rw_224 224|coatnet_0_224 0|maxvit_pico_rw_256 256|maxvit_rmlp_pico_rw_256 256|maxxvit_rmlp_nano_rw_256 0|
mobilevit_xxs 64|mobilevitv2_050 64|efficientformer_l1 224|efficientformerv2_s0 224|efficientvit_b0 64|efficientvit_m0 224|efficientvit_m1 224|fastvit_t8 64|fastvit_sa12 64|mvitv2_tiny 224|davit_tiny 64|gcvit_xxtiny 224|nextvit_small 64|tiny_vit_5m_224 224|hiera_tiny_224 224|sequencer2d_s 224|
mixer_s32_224 224|gmixer_12_224 224|resmlp_12_224 224|gmlp_ti16_224 224|hgnet_tiny 64|hgnetv2_b0 64|tresnet_m 64|tresnet_v2_l 0|pnasnet5large 0|legacy_seresnet18 64|legacy_xception 96|ese_vovnet19b_slim 64|volo_d1_224 224|nest_tiny_jx 224|jx_nest_tiny 224|samvit_base_patch16 0|swiftformer_xs 224|shvit_s1 224|mambaout_femto 64|
rdnet_tiny 64|test_vit 160|test_convnext 160|test_efficientnet 160|test_resnet 160|test_byobnet 160|test_nfnet 160|test_mambaout 160|csatv2 0|aimv2_large_patch14_224 0|naflexvit_base_patch16_gap 0|vitamin_small_224 224|mobilenet_edgetpu_v2_xs 64|mobilenetv5_base 0|resnet18 64|resnext26ts 64|seresnext26t_32x4d 64|
vit_medium_patch16_rope_reg1_gap_256 256|vit_so150m_patch16_reg4_map_256 0|vit_intern300m_patch14_448 0|vit_little_patch16_reg1_gap_256 256|vit_mediumd_patch16_reg4_gap_256 0|vit_betwixt_patch16_rope_reg4_gap_256 0|convmixer_768_32 64|convmixer_1024_20_ks9_p14 0|efficientnet_es 64|efficientnet_cc_b0_4e 64|tf_efficientnet_cc_b0_4e 64|xcit_tiny_12_p8_224 0""".replace("\n", "").split("|"):
    name, size = line.split()
    if size != "0" and timm.is_model(name):
        CASES.append(Case("timm_" + name, lambda k=name: timm.create_model(k, pretrained=False), lambda n=int(size): (torch.randn(1, 3, n, n),),
                          script=(17,), dynamo=(20,), dynamic=False))
