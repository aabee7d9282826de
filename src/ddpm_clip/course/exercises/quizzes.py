"""The quizzes of all lessons; each option has an explanation of its own."""

from ddpm_clip.course.grading import Quiz

_ALL = (
    Quiz(
        "0.Q1",
        "Why do ten words fit better into 64 dimensions than into 2?",
        {
            "a": "There is room for ten directions that are nearly at right angles.",
            "b": "The numbers are smaller.",
            "c": "The network is larger.",
        },
        "a",
        {
            "a": "Right: in 64 dimensions ten directions can all be at right angles to each other.",
            "b": "Embeddings have unit length in both; only their directions differ.",
            "c": "The last layer is larger, but what limits two dimensions is the circle itself.",
        },
    ),
    Quiz(
        "1.Q1",
        "The trained denoiser gets pure noise and answers with one grey blot. Why?",
        {
            "a": "It was trained for too few steps.",
            "b": "The best guess from pure noise is the mean of all pictures.",
            "c": "The skips carry the noise to the output.",
        },
        "b",
        {
            "a": "More training makes the blot smoother, not a digit.",
            "b": "Right: noise says nothing of the picture, and the mean has the least error.",
            "c": "Skips carry detail, but the answer to noise would be a blot without them too.",
        },
    ),
    Quiz(
        "1.Q2",
        "What does a skip connection carry?",
        {
            "a": "Fine detail that the small maps have lost.",
            "b": "The gradient of the loss only.",
            "c": "The class of the picture.",
        },
        "a",
        {
            "a": "Right: edges and their exact places go straight to the decoder.",
            "b": "It helps gradients as well, but at sampling time there are none.",
            "c": "What the picture shows is decided in the small maps, where all of it is in view.",
        },
    ),
    Quiz(
        "2.Q1",
        "What makes the forward process a Markov chain?",
        {
            "a": "Each step depends on the step before it only.",
            "b": "Its noise is Gaussian.",
            "c": "It has a closed form.",
        },
        "a",
        {
            "a": "Right: given x_{t-1}, the earlier pictures say nothing more about x_t.",
            "b": "Gaussian noise gives the closed form; the chain would be Markov with any noise.",
            "c": "The closed form follows from both; it is not what Markov means.",
        },
    ),
    Quiz(
        "2.Q2",
        "Given x_0, what are mean and variance of x_t?",
        {
            "a": "alpha-bar x_0, and 1 - alpha-bar.",
            "b": "sqrt(alpha-bar) x_0, and 1 - alpha-bar.",
            "c": "sqrt(alpha-bar) x_0, and sqrt(1 - alpha-bar).",
        },
        "b",
        {
            "a": "alpha-bar is the share of variance; the picture's factor is its root.",
            "b": "Right: amplitudes are roots of variances.",
            "c": "The root of 1 - alpha-bar is the standard deviation, not the variance.",
        },
    ),
    Quiz(
        "2.Q3",
        "What do betas do that are far too large in the beginning?",
        {
            "a": "They make x_T less noisy.",
            "b": "They destroy the picture in a few steps that are hard to undo.",
            "c": "They make training slower, and nothing else.",
        },
        "b",
        {
            "a": "x_T is noisier, if anything.",
            "b": "Right: the other timesteps are then spent on noise that differs in nothing.",
            "c": "A training step costs the same; it is what it learns that suffers.",
        },
    ),
    Quiz(
        "2.Q4",
        "A model with T = 150 unscaled betas is sampled with 150 steps. What is wrong?",
        {
            "a": "150 steps are too few for any sampler.",
            "b": "x_T still holds some of the picture, but sampling starts from pure noise.",
            "c": "Nothing.",
        },
        "b",
        {
            "a": "Some samplers need 10. The table of this lesson shows them.",
            "b": "Right: alpha_T is .468 there, so sampling begins where training never was.",
            "c": "See how far the mean is off in section 5.",
        },
    ),
    Quiz(
        "3.Q1",
        "Why does a picture's output change with its neighbours under BatchNorm?",
        {
            "a": "Because convolutions mix the pictures of a batch.",
            "b": "Because mean and variance are taken over the whole batch while training.",
            "c": "Because the order of the batch matters.",
        },
        "b",
        {
            "a": "Convolutions treat each picture on its own.",
            "b": "Right: in eval mode it uses stored statistics instead, which differ again.",
            "c": "The order does not matter; who is in the batch does.",
        },
    ),
    Quiz(
        "3.Q2",
        "An arm of the ladder is better after equal seconds. What may be the reason?",
        {
            "a": "Its idea is better.",
            "b": "Its steps are cheaper, so it took more of them.",
            "c": "Either; compare at equal steps as well.",
        },
        "c",
        {
            "a": "Perhaps; but cheaper steps would look the same.",
            "b": "Perhaps; but a better idea would look the same.",
            "c": "Right: the ladder has equal steps and tells the seconds beside them.",
        },
    ),
    Quiz(
        "4.Q1",
        "What does w = -1 paint?",
        {
            "a": "Pictures that are as unlike the condition as possible.",
            "b": "Pictures without any condition.",
            "c": "Noise.",
        },
        "b",
        {
            "a": "That is a w below -1, such as -2.",
            "b": "Right: the conditional prediction has the factor 0.",
            "c": "The unconditional prediction paints pictures like any other.",
        },
    ),
    Quiz(
        "4.Q2",
        "Why is the condition of a tenth of the pictures dropped in training?",
        {
            "a": "So that the network learns pictures in general as well, which guidance needs.",
            "b": "To save time.",
            "c": "To make the network robust against wrong labels.",
        },
        "a",
        {
            "a": "Right: guidance compares the two predictions, so both must be learned.",
            "b": "A dropped condition costs as much as any.",
            "c": "It may do a little of that, but it is not what it is for.",
        },
    ),
    Quiz(
        "5.Q1",
        "A model that was trained on flowers is asked for a dog. What happens?",
        {
            "a": "It refuses.",
            "b": "It paints a flower, because it has nothing else.",
            "c": "It paints a dog, because CLIP knows dogs.",
        },
        "b",
        {
            "a": "The command warns, but the model itself cannot refuse.",
            "b": "Right: `ask` says beforehand that the prompt lies outside.",
            "c": "A CLIP may know dogs; the network has never seen one. Ours knows neither.",
        },
    ),
    Quiz(
        "5b.Q1",
        "Why does an element-wise mask hurt a one-hot condition so little?",
        {
            "a": "Its one non-zero number is dropped a tenth of the time, and then all is zero.",
            "b": "One-hot conditions are shorter.",
            "c": "It does hurt; nobody measured it.",
        },
        "a",
        {
            "a": "Right: about a tenth of the masked rows are all zero, as they should be.",
            "b": "The number of coordinates is not what matters, but how many are not zero.",
            "c": "It was measured: 9.7 % of masked rows are all zero anyway.",
        },
    ),
)

QUIZZES: dict[str, Quiz] = {one.id: one for one in _ALL}
"""Id -> quiz."""
