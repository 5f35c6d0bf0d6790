"""The sentences of findings, word by word: whoever changes one sees it here."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from alexcore.findings import augment, before, data, run
from alexcore.findings.experiment import PartValidated, ProbesPlanned, ResponseNorm, WeightDecay
from alexcore.findings.finding import KNOWN, Finding

STUCK = {"loss": 1.0986, "chance": 1.0986}
SENTENCES: list[tuple[Finding, str]] = [
    (
        data.OneClass("D", "a"),
        "D has only one class with training pictures (a); classification needs two. Add a folder per class.",
    ),
    (
        data.OneClass("D", "a", packed=True),
        "D has only one class with training pictures (a); classification needs two. Pack a data set with more classes.",
    ),
    (
        data.AlikeNames((("B", "b"), ("c", "C", "c ")), 2),
        "Class names that differ only in case, blanks, Unicode form or a copy's mark count as different: 'B' and 'b', "
        "'c' and 'C' and 'c '. If they are the same class, merge them or rename one.",
    ),
    (
        data.SortedAsText((("c10", 0), ("c9", 1)), (("c9", "c09"),), 1),
        "Class names are sorted as text, not by the numbers in them: c10 gets 0, c9 gets 1. Pad the numbers "
        "with zeros if their order matters: write c9 as c09.",
    ),
    (
        data.ImageFolderNumbers("val", (("b", 0),), (("b", 1),), 3),
        "ImageFolder alone would number val differently: b 0 and 2 more; by train it is b 1 and 2 more. Here "
        "all splits have one mapping. Give val the folders of train before other programs read it.",
    ),
    (
        data.NamesNotUtf8(("'x'",), 1, listed=False),
        "Files and folders whose names are not UTF-8 are left out: 'x'. Rename them.",
    ),
    (data.NamesNotUtf8(("'x'",), 1, listed=True), "Pictures whose names are not UTF-8 are left out: 'x'. Rename them."),
    (
        data.Undecodable((("a.jpg", "empty"), ("b.jpg", "cut"), ("c.jpg", "cut")), 5, 1200),
        "5 of 1,200 pictures cannot be decoded and are left out: a.jpg (empty); b.jpg (cut); c.jpg (cut); "
        "and 2 more. Replace or delete them; the run goes on without them.",
    ),
    (
        data.TwoLabels(2000, 1, (("a.jpg", "x", "y"),)),
        "1 of 2,000 rows is listed under two labels: a.jpg (x and y). Delete the wrong line of each.",
    ),
    (
        data.RepeatedRows(9, 2, ("a.jpg", "b.jpg")),
        "2 of 9 rows are listed more than once with the same label and counts once: a.jpg, b.jpg.",
    ),
    (augment.NoList(0), 'A pipeline must be a list of operations. Write [{"op": "Resize", ...}, ...].'),
    (augment.TooManyOperations(40, 41, 40), "There are 41 operations. Use at most 40."),
    (augment.NoOperation(0, "3"), '3 is no operation. Write {"op": NAME, PARAMETER: VALUE}.'),
    (augment.UnknownOperation(0, "'x'", ("A", "B")), "There is no operation 'x'. Choose among A, B."),
    (augment.IllegalSwitch(0, "1"), "on = 1 is not allowed. Write true or false."),
    (
        augment.UnknownParameter(0, "ToTensor", "'p'", (), none=True),
        "ToTensor has no parameter 'p'. Its parameters: it has none.",
    ),
    (
        augment.UnknownParameter(0, "Resize", "'p'", ("size", "q"), none=False),
        "Resize has no parameter 'p'. Its parameters: size, q.",
    ),
    (augment.MissingParameter(0, "Resize", "size", "a whole number"), "Resize lacks its size. Give a whole number."),
    (
        augment.IllegalValue(0, "Normalize", "std", "{0}", "a number"),
        "Normalize: std = {0} is not allowed. It must be a number.",
    ),
    (augment.Repeated(0, "MixUp"), "MixUp stands here a second time. Remove one of them."),
    (augment.NeedsTensor(0, "MixUp"), "MixUp needs a tensor. Move it below ToTensor."),
    (augment.NeedsPicture(0, "A"), "A comes too late. Move it above ToTensor: it works on pictures."),
    (
        augment.AfterMixing(0, "A"),
        "A comes too late. Move it above MixUp and CutMix, which work on finished batches.",
    ),
    (
        augment.NeverTensors(0),
        "The pictures never become tensors. Add ToTensor after the operations on pictures.",
    ),
    (
        augment.DifferentSizes(0),
        "The pictures leave in different sizes, and so cannot form a batch. Add a crop, or a Resize to height and "
        "width.",
    ),
    (
        augment.NotSquare(0, 32, 48),
        "The pictures leave with 32 x 48 px; the network takes squares. Give the last Resize or crop the same height "
        "and width.",
    ),
    (
        augment.CropOfUnknownSize(0, "CenterCrop", 32, 31, 32, padded=False),
        "CenterCrop of 32 x 31 px may be larger than a picture. Put a Resize to at least 32 px above it, or make the "
        "crop smaller.",
    ),
    (
        augment.CropTooLarge(0, "CenterCrop", 33, 32, 33, False, 32, 31, exact=True),
        "CenterCrop of 33 x 32 px is larger than the picture, 32 x 31 px. Put a Resize to at least 33 px above it, or "
        "make the crop smaller.",
    ),
    (
        augment.CropTooLarge(0, "RandomCrop", 32, 33, 33, True, 32, 32, exact=False),
        "RandomCrop of 32 x 33 px is larger than the picture, at least 32 x 32 px. Put a Resize to at least 33 px "
        "above it, or make the crop smaller. pad_if_needed helps too.",
    ),
    (
        augment.BlurTooWide(0, 9, 4),
        "GaussianBlur of 9 px needs more than a picture whose side may be 4 px. Put a Resize or a crop above it, or "
        "make kernel_size smaller.",
    ),
    (
        augment.OtherSide(32, 64),
        "The augmentation ends with pictures of 32 x 32 px, but image_size is 64. Set image_size to 32, or the sizes "
        "in the augmentation to 64.",
    ),
    (
        before.BatchTooLarge(64, 1, 12, 12, fits=True),
        "batch_size = 64 is larger than the training split (12 pictures). Choose a batch size of at most 12.",
    ),
    (
        before.BatchTooLarge(64, 16, 12, 0, fits=False),
        "batch_size = 64 in each of 16 processes is larger than the training split (12 pictures). Choose at "
        "most 12 processes.",
    ),
    (
        before.SinglePictureBatch(8, 2, 65, "batch norm", 0, possible=False),
        "batch_size = 8 leaves a last batch of 1 picture for one of the 2 processes out of 65, and batch "
        "norm cannot take a mean over one picture. Choose norm group.",
    ),
    (
        before.UnequalShares(3, 8, ("1", "2", "4"), 8, several=True),
        "3 processes cannot share the 8 pictures of each step of this run equally. Choose 1, 2, 4 or 8 processes.",
    ),
    (
        before.UnequalShares(2, 1, (), 1, several=False),
        "2 processes cannot share the 1 pictures of each step of this run equally. Choose 1 processes.",
    ),
    (
        before.OtherExperiment("norm", "batch", "none", ("epochs", "processes")),
        "norm = 'batch' would make it another experiment: the run has 'none'. Start a new run for that. A "
        "resume may change epochs, processes.",
    ),
    (
        before.NotEnoughDisk(4_800_000_000, 1_200_000_000, 2_500_000, 1_000_000_000),
        "Checkpoints take up to 4.8 GB (last, the one before, best, and one while it is written, 1.2 GB each); 2.5 MB "
        "are free. With less than that, or less than 1 GB, nothing starts: free some disk space, or choose a smaller "
        "width.",
    ),
    (
        before.NotEnoughMemory(48, 128, 24, 4, "batch norm", over_batch=True, splits=True, width=0.5),
        "There is not enough memory for this run: batches of 48 pictures of 128 px (batch_size = 48). Start "
        "again with batch_size 24 and accumulation_steps 4: half the memory, the same effective batch. Only "
        "batch norm will see smaller batches.",
    ),
    (
        before.NotEnoughMemory(1, 128, 0, 2, "group norm", over_batch=False, splits=False, width=0.5),
        "There is not enough memory for this run: batches of 1 pictures of 128 px (batch_size = 1). Make the "
        "network smaller: width 0.5, or a smaller image_size.",
    ),
    (
        run.StartedFromOtherClasses("r", ("a", "b", "c", "d", "e"), ("x",), 7, 1),
        "Started from r; the last layer is new, because that run has the classes a, b, c, d, e and 2 more "
        "and this one x.",
    ),
    (
        run.DataChanged(experiment=True),
        "The data set has changed since the checkpoint; the experiment goes on, but is not the same one.",
    ),
    (
        run.BudgetPlanned(1.5, 2.25, 45, 0.51234),
        "The time budget of 1.5 minutes is enough for 2.2 epochs: 45 steps of 0.512 s, and the validations. "
        "The rate schedule is planned over these steps.",
    ),
    (
        run.ProcessesChanged(2, 1, 4, 8, "batch norm", over_batch=True, sharded=True),
        "processes went from 2 to 1, and batch_size from 4 to 8, so that a step sees as many pictures as "
        "before. What is summed by whom is another from here on, and so are the units that dropout drops, "
        "batch norm's statistics and the order of the pictures: close to the run that was not interrupted, "
        "but not the same bits.",
    ),
    (
        run.StuckByDeadUnits(**STUCK, dead=1.0, layer="classifier.5", lr=0.5),
        "The loss sticks at 1.099, near ln C = 1.099, that of guessing: 100% of the units of classifier.5 "
        "are dead, zero for every picture of a batch. Start again with a lower rate than 0.5, with a norm, "
        "or with init kaiming.",
    ),
    (
        run.StuckBySmallGradients(**STUCK, reach=0.123, init="seed", activation="sigmoid", saturating=True),
        "The loss sticks at 1.099, near ln C = 1.099, that of guessing: small gradients, 0.12 times the "
        "error at the output, reach the convolutions; with the initial weights seed and sigmoid the signal "
        "fades. Start again with a norm, with init kaiming, or with relu.",
    ),
    (
        run.Stuck(**STUCK, dead=0.2, lr=1e-9),
        "The loss sticks at 1.099, near ln C = 1.099, that of guessing: neither dead units (20% at most) nor "
        "small gradients explain it, so suspect the learning rate (1e-09). Look for a better one with "
        "`lr-find`.",
    ),
    (
        run.LossNotFinite(7, 0.5, checkpoint=True, value="nan"),
        "The loss is nan in step 7: the weights have blown up. Lower the learning rate (0.5), clip the "
        "gradient, or choose a norm. The last checkpoint is still good.",
    ),
    (
        run.WeightsNotFinite(7, 0.5, checkpoint=False),
        "The weights are not finite after step 7: the weights have blown up. Lower the learning rate (0.5), "
        "clip the gradient, or choose a norm.",
    ),
    (
        WeightDecay(5e-4, every=False),
        "Weight decay of 0.0005 acts on weights only, not on biases nor on the norms' gamma and beta; it is "
        "the same in every arm.",
    ),
    (ResponseNorm(), "In the variant 2012 the arm none has local response normalisation; the others have not."),
    (
        PartValidated(100, 2000, 256_000_000),
        "Validated on 100 of the 2,000 validation pictures, drawn by the seed and the same for every arm: "
        "more do not fit into 256 MB.",
    ),
    (ProbesPlanned((("gain", 12), ("surface", 3))), "Probes of each kind from the measured costs: gain 12, surface 3."),
]


@pytest.mark.parametrize(("finding", "text"), SENTENCES, ids=lambda each: getattr(each, "code", ""))
def test_the_sentence_of_a_finding(finding, text):
    assert finding.sentence == text


DUMMY = {"str": "x", "int": 2, "float": 0.5, "bool": True, "Any": "y"}


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_sentence_can_be_said_and_is_one(code):
    kind = KNOWN[code]
    values = {each.name: () if "tuple" in str(each.type) else DUMMY[str(each.type)] for each in fields(kind)}
    finding = kind(**values)
    assert finding.message
    # An example of an operation is the only thing in braces.
    assert not set("{}") & set(re.sub(r'{"op": [^{}]*}', "", finding.sentence))
    assert finding.message.rstrip()[-1] in ".:x"
