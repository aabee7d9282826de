"""The command line: what is typed, printed and drawn, and nothing else.

- `commands/`: one file a command, named after what is typed
- `console`: what a person and what a pipe get: results on stdout, everything else on stderr
- `edit_session`: what the commands that paint have in common: open the model, watch the work,
  write, print
- `interrupt`: leaving at a good moment: the first Ctrl-C or SIGTERM is a request, the second an
  order
- `main`: the command `ddpm-clip`: all commands, and one exit for every way in which they end
- `options`: arguments and options that several commands share, and what they mean together
- `painting_command`: the options that all commands that paint have in common, as one argument
- `painting_options`: the options of all commands that paint
- `progress`: how far a long stage is: a bar on a terminal, a line now and then elsewhere
- `training_view`: what a person sees of a training, and how it ends: finished, stopped,
  interrupted
"""
