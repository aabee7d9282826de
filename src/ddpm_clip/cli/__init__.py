"""The command line: parsing, printing and progress bars; the work is done by the library.

- `commands/`: one file per command
- `console`: results on stdout, messages and errors on stderr
- `edit_session`: what the editing commands share: open the model, show progress, write, print
- `interrupt`: Ctrl-C and SIGTERM: the first stops after the current step, the second at once
- `machine_load`: what else keeps this machine busy
- `main`: the command `ddpm-clip`, its error handling and exit codes
- `options`: arguments and options that several commands share
- `painting_command`: the options that all painting commands share, as one argument
- `painting_options`: options of all commands that paint
- `progress`: progress bars on a terminal, occasional lines elsewhere
- `threads_option`: the option `--threads` of every command that computes
- `training_steps`: follows a training step by step: samples, success, trackers
- `training_view`: shows a training and reports how it ended: finished, stopped or interrupted
"""
