"""A commented zoo file to start from, as `ens train-zoo --example` prints it."""

EXAMPLE = """\
# zoo.yaml: the members of an ensemble, trained by: ens train-zoo zoo.yaml
# Every key but members and arch may be left out. Paths are relative to this file.

data:
  # a labelled folder: images/ beside masks/<class>/, labels/, labels.csv or annotations.json
  train: train
  # val: val              # by default val/, or a fifth of train/ where val/ does not exist
  # groups: '^(ID\\d+)'   # images of one group (a person) are never split; default: their folder
  # cache: none           # images and labels, decoded and resized, are kept in members/.train until
                          # the last member is done: .6 MB an image of 1024 x 1024 with 29 bones
  # split: {folds: 5, fold: 0, seed: 0}   # hold out a fold of train/ although there is a val/;
                          # fold: all trains every member once for each fold;
                          # stratify: [classes, pose, sex, height] gives each fold its share of
                          # those; sex and height as metadata.csv, or .xlsx, beside the data says

defaults:                 # of all members; a member may set each of them itself
  weights: imagenet       # or none: no download, but several times as many epochs are needed;
                          # or a file: another member, or a checkpoint of the encoder
  size: 512               # or [height, width]; a multiple of the network's stride (mostly 32)
  # window: {crops: 4}    # look through windows of size at the image's own resolution instead of
                          # resizing it; learn from this many of each image an epoch
                          # overlap: 0.25 of a side when predicting; weighting: gaussian, or flat
  channels: 3             # 1: grey
  epochs: 60
  batch: 8                # or auto: the largest that fits and learns faster, tried beforehand
  # accumulate: 2         # batches whose gradients make one step
  # checkpointing: encoder   # half the memory of the encoder, a third more of its time
  # compile: true         # by torch.compile: a minute or more first, then faster steps
  # optimizer: adamw      # or sgd, with an lr of about 0.01
  # schedule: cosine      # or poly
  lr: 0.0005
  # weight_decay: 0.01
  # loss: bce_dice        # or focal_dice, or a sum of bce, focal=2, boundary=3:5, dice,
                          # tversky=0.3:0.7, lovasz, such as: bce + 0.5*lovasz
  # class_weights: {Pisiform: 2}
  # precision: auto       # bf16 on a GPU, fp32 on a CPU
  # devices: 2            # share each batch; else every device trains a member of its own
  # seed: 0
  # sweep: {loss: [bce_dice, focal_dice], size: [512, 768]}   # a member for each combination
  # validate_every: 1     # epochs between scores; the last one is always scored
  # soup: 5               # the mean of the last 5 epochs' weights, if it scores higher than each
  augment:                # or none, light, xray, strong; changed by {preset: xray, hflip: 0}
    hflip: 0.5            # a probability; classes in mirror_pairs of classes.yaml swap
    rotate_deg: 15
    scale: 0.15
    # vflip: 0.0
    # affine: 0.8         # rotation, scale and shift together
    # shift: 0.06
    # brightness_contrast: 0.5
    # gamma: 0.3
    # clahe: 0.1
    # emboss: 0.1
    # sharpen: 0.1
    # elastic: 0.0        # and blur, noise, cutout; mosaic and ricap put four images together

members:                  # different architectures make the better ensemble
  - arch: unet            # any architecture of segmentation-models-pytorch
    encoder: resnet34     # and any of its encoders, or of timm's as tu-NAME
  - arch: fpn
    encoder: efficientnet-b3
  - arch: segformer
    encoder: mit_b2
    batch: 4
  - arch: torchvision/deeplabv3_resnet50
    name: deeplab         # the file becomes members/deeplab.pt
    seed: 1
"""
