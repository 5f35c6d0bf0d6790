"""What is said before and during a run."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

_STUCK = "The loss sticks at {loss:.3f}, near ln C = {chance:.3f}, that of guessing: "
_BLOWN_UP = (
    "Lower the learning rate ({lr:g}), clip the gradient, or choose a norm."
    "{checkpoint:? The last checkpoint is still good.|}"
)

SAID: Mapping[str, Said] = {
    "run.input-too-small": Said(
        "{name} = {value} is too small for the variant {variant}.",
        "Choose {minimum} px or more: each layer makes the picture smaller, and something must be left.",
    ),
    "run.batch-too-large": Said(
        "batch_size = {batch_size}{processes:?| in each of {processes} processes} is larger than the training split "
        "({train_images} pictures).",
        "{fits:?Choose a batch size of at most {most}.|Choose at most {train_images} processes.}",
    ),
    "run.single-picture-batch": Said(
        "batch_size = {batch_size} leaves a last batch of 1 picture{processes:?| for one of the {processes} processes} "
        "out of {train_images}, and {norm} cannot take a mean over one picture.",
        "{possible:?Choose a batch size of {better}, or norm group.|Choose norm group.}",
    ),
    "run.ignored-class-missing": Said(
        "ignore_index = {ignore_index} is no class: there are {classes}, counted from 0.",
        "Choose a number from 0 to {last}, or -100 for none.",
    ),
    "run.validation-counts-nothing": Said(
        "No validation image counts: {images:?the one there is|all {images:,}} {images:?is|are} of {name}, the class "
        "that ignore_index = {ignore_index} ignores. There will be no validation loss and accuracy, no best.pt and no "
        "early stopping.",
        "Add validation images of other classes, or set ignore_index to -100.",
    ),
    "run.class-weights-do-not-fit": Said(
        "class_weights = {weights!r} has {found} numbers, and the data set has {classes} classes.",
        "Type one number for each class, in the order of the class index.",
    ),
    "run.sync-batchnorm-needs-cuda": Said(
        "Batch norm over all processes (sync_batchnorm) needs CUDA GPUs: torch's SyncBatchNorm has no CPU "
        "implementation.",
        "This run will be refused; leave it, or choose norm group.",
    ),
    "run.not-enough-disk": Said(
        "Checkpoints take up to {needed:bytes} (last, the one before, best, and one while it is written, "
        "{one:bytes} each); {free:bytes} are free.",
        "With less than that, or less than {least:bytes}, nothing starts: free some disk space, or choose a smaller "
        "width.",
    ),
    "run.not-enough-memory": Said(
        "There is not enough memory {gpu:?on the GPU |}for this run: batches of {batch_size} pictures of "
        "{image_size} px (batch_size = {batch_size}).",
        "{splits:?Start again with batch_size {half} and accumulation_steps {accumulation_steps}: half the memory, the "
        "same effective batch.|Make the network smaller: width {width:g}, or a smaller image_size.}"
        "{over_batch:? Only {norm} will see smaller batches.|}",
    ),
    "run.other-experiment": Said(
        "{name} = {value!r} would make it another experiment: the run has {had!r}.",
        "Start a new run for that. A resume may change {resumable:listed 0}.",
    ),
    "run.fewer-epochs": Said("epochs = {epochs} is fewer than the run's {had}.", "Give a larger number."),
    "run.resume-planned": Said(
        "{early:?It stopped early after epoch {done} of {epochs_before}: no better validation accuracy for "
        "{patience_before} {patience_before:?epoch|epochs}. |}It goes on after epoch {done} "
        "{timed:?until {time_budget_s:g} s are used|to epoch {epochs}}; early stopping "
        "{stops:?waits for {patience} {patience:?epoch|epochs}{anew:?, counted from here on|}|is off}."
    ),
    "run.stopped-early-before": Said(
        "The run {run} is finished: it stopped early after epoch {done} of {epochs}, because its validation accuracy "
        "had not risen for {patience} {patience:?epoch|epochs}.",
        "--early-stopping 0 trains the other epochs; with another number, or with more --epochs, its patience counts "
        "from there on.",
    ),
    "run.unequal-shares": Said(
        "{processes} processes cannot share the {whole} pictures of each step of this run equally.",
        "Choose {fitting:listed 0}{several:? or |}{last} processes.",
    ),
    "run.started-from-imagenet": Said(
        "Started from torchvision's ImageNet weights; the last layer is new, for {classes} classes."
    ),
    "run.started-from-run": Said("Started from {path}: all weights, because its {classes} classes are the same."),
    "run.started-from-other-classes": Said(
        "Started from {path}; the last layer is new, because that run has the classes {theirs:listed {their_count}} "
        "and this one {ours:listed {our_count}}."
    ),
    "run.not-compiled": Said(
        "The network cannot be compiled ({error}: {line}).", "The run goes on without: slower, with the same result."
    ),
    "run.doubt-not-measured": Said(
        "It was not measured when to doubt predictions of this run: {reason}", "Measure it on Classify when you like."
    ),
    "run.budget-planned": Said(
        "The time budget of {minutes:g} minutes is enough for {epochs:.1f} epochs: {steps} steps of {step_s:.3g} s, "
        "and the validations. The rate schedule is planned over these steps."
    ),
    "run.data-changed": Said(
        "The data set has changed since the checkpoint; the {experiment:?experiment|run} goes on, but is not the same "
        "one.{counted:? It has {train_images:,} training and {val_images:,} validation images now; figures up to step "
        "{step:,} are of other data.|}{anew:? Epoch {epoch} begins anew.|}{val_changed:? The best epoch is looked for "
        "anew, because validation is another one.|}"
    ),
    "run.data-moved": Said(
        "The data set was {was} and is {now} now. {known:?By their content {same:,} of {images:,} training images are "
        "those that the run was trained on.|The run has kept no hashes of its images, so they were compared by name "
        "and size.}"
    ),
    "run.epochs-changed": Said(
        "epochs went from {before} to {after}: the schedule {scheduler} is planned anew over the new length, so this "
        "is not the run that {after} epochs from the start would have been."
    ),
    "run.early-stopping-changed": Said(
        "early_stopping went from {before} to {after}: {off:?it is off from here on|its patience counts from here on}."
    ),
    "run.time-budget-changed": Said(
        "time_budget_s went from {before:g} to {after:g}: the number of steps and the rate schedule are planned anew."
    ),
    "run.sizes-planned-anew": Said(
        "start_size = {start_size}: how training pictures grow is planned anew over the new length. In epoch {epoch} "
        "they have {side} px; before it would have been {was} px."
    ),
    "run.processes-changed": Said(
        "processes went from {before} to {after}, and batch_size from {batch_before} to {batch_after}, so that a step "
        "sees as many pictures as before. What is summed by whom is another from here on, and so are the units that "
        "dropout drops{over_batch:?, {norm}'s statistics|}{sharded:? and the order of the pictures|}: close to the run "
        "that was not interrupted, but not the same bits."
    ),
    "run.workers-changed": Said(
        "num_workers went from {before} to {after}: each loader process shuffles its part of the shards, so the order "
        "of the pictures is another from here on."
    ),
    "run.stuck-by-dead-units": Said(
        _STUCK + "{dead:.0%} of the units of {layer} are dead, zero for every picture of a batch.",
        "Start again with a lower rate than {lr:g}, with a norm, or with init kaiming.",
    ),
    "run.stuck-by-small-gradients": Said(
        _STUCK + "small gradients, {reach:.2g} times the error at the output, reach the convolutions; with the initial "
        "weights {init}{saturating:? and {activation}|} the signal fades.",
        "Start again with a norm, with init kaiming{saturating:?, or with relu.|.}",
    ),
    "run.stuck": Said(
        _STUCK + "neither dead units ({dead:.0%} at most) nor small gradients explain it, so suspect the learning rate "
        "({lr:g}).",
        "Look for a better one with `lr-find`.",
    ),
    "run.overfitting": Said(
        "Training and validation part: for {epochs} epochs the training loss has fallen (now {train_loss:.3f}) while "
        "the validation loss has risen from {best_val_loss:.3f} to {val_loss:.3f}. The network learns its pictures by "
        "heart (overfitting).",
        "best.pt holds the best epoch. Augment more strongly, raise dropout or weight_decay, or add pictures.",
    ),
    "run.all-epochs": Said(
        "{epochs:?The one epoch that was asked for is|All {epochs:,} epochs that were asked for are} trained."
    ),
    "run.step-limit": Said(
        "The step limit has ended the run: {steps:,} {steps:?step|steps}, in {epochs} of {of} {of:?epoch|epochs}."
    ),
    "run.budget-used": Said("The time budget of {seconds:g} s has ended the run, after {steps:,} {steps:?step|steps}."),
    "run.worker-hung": Said(
        "The worker stood still for {seconds} s after it was asked to stop, so it was ended from outside.",
        "What was trained since the last checkpoint is gone; a resume goes on from there.",
    ),
    "run.stopped-early": Said(
        "Stopped early: no better validation accuracy for {patience} {patience:?epoch|epochs}.",
        "best.pt holds the best epoch.",
    ),
    "run.same-in-two-splits": Said(
        "{count:,} pictures are copies that lie in two splits: {names:listed {count}}. The accuracy will be too good.",
        "Scan the data set on the page Data set and exclude them there, under Quality.",
    ),
    "run.pictures-skipped": Said(
        "{count:,} of {total:,} pictures can no longer be read and {count:?is|are} skipped: {names:listed {count}} "
        "({why}).",
        "Put the files back: they are tried again in each epoch. The run stops at more than {most:,}.",
    ),
    "run.too-many-unreadable": Said(
        "{count:,} of {total:,} pictures can no longer be read, and the limit is {most:,}: {names:listed {count}} "
        "({why}). The run has saved after step {step:,} and stopped.",
        "Put the files back and resume the run, or resume it with a larger --unreadable-limit.",
    ),
    "run.loss-not-finite": Said("The loss is {value} in step {step}: the weights have blown up.", _BLOWN_UP),
    "run.gradient-not-finite": Said("The gradient is {value} in step {step}: the weights have blown up.", _BLOWN_UP),
    "run.weights-not-finite": Said(
        "The weights are not finite after step {step}: the weights have blown up.", _BLOWN_UP
    ),
    "run.statistics-not-finite": Said(
        "After step {step} {names:listed {count}} {count:?is|are} not finite, so no checkpoint was written: the "
        "network would answer nothing.",
        _BLOWN_UP,
    ),
}
