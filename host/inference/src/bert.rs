//! The BERT encoder: embeddings, then layers of self-attention and feed-forward, each followed by add-and-norm.

use crate::{
    LoadError,
    model_dir::Architecture,
    row_ops::{Activation, AddBias, AddNorm, Softmax},
    weights::Weights,
};
use candle_core::{D, Device, Result, Tensor};

type Loaded<T> = std::result::Result<T, LoadError>;

pub(crate) struct Bert {
    words: Tensor,
    /// Position and token type in one: a text alone is always of the first type.
    places: Tensor,
    norm: AddNorm,
    layers: Vec<Layer>,
}

struct Layer {
    heads: usize,
    /// Queries, keys and values of all heads side by side; the queries are scaled already.
    attention: Linear,
    attention_out: Linear,
    attention_norm: AddNorm,
    inner: Linear,
    outer: Linear,
    norm: AddNorm,
}

/// `x * weight + bias`, with a weight of `[in, out]`, then an activation.
struct Linear {
    weight: Tensor,
    bias: AddBias,
}

impl Bert {
    pub(crate) fn load(weights: &Weights<'_>, shape: &Architecture) -> Loaded<Self> {
        let width = shape.width;
        let words = weights.tensor("embeddings.word_embeddings.weight", &[shape.words, width])?;
        let positions = weights.tensor("embeddings.position_embeddings.weight", &[shape.positions, width])?;
        let types = weights.tensor("embeddings.token_type_embeddings.weight", &[shape.types, width])?;
        let places = types.get(0).and_then(|first| add_to_rows(&positions, &first));
        Ok(Self {
            words,
            places: places.map_err(|source| weights.failed(source))?,
            norm: load_norm(weights, "embeddings.LayerNorm", shape)?,
            layers: (0..shape.layers).map(|index| Layer::load(weights, index, shape)).collect::<Loaded<_>>()?,
        })
    }

    /// One vector per token, `[tokens, width]`. `ids` must not be empty nor longer than the model's positions.
    pub(crate) fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let ids = Tensor::new(ids, &Device::Cpu)?;
        let mut hidden = self.words.index_select(&ids, 0)?;
        hidden.inplace_op2(&self.places.narrow(0, 0, ids.elem_count())?, &self.norm)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden)?;
        }
        Ok(hidden)
    }
}

impl Layer {
    fn load(weights: &Weights<'_>, index: usize, shape: &Architecture) -> Loaded<Self> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let (width, inner) = (shape.width, shape.inner_width);
        let linear = |part: &str, inputs, outputs| Linear::load(weights, &name(part), inputs, outputs);
        let query = linear("attention.self.query", width, width)?;
        let key = linear("attention.self.key", width, width)?;
        let value = linear("attention.self.value", width, width)?;
        let scale = ((width / shape.heads) as f32).sqrt().recip();
        let attention = query.scaled(scale).and_then(|query| Linear::side_by_side([query, key, value]));
        Ok(Self {
            heads: shape.heads,
            attention: attention.map_err(|source| weights.failed(source))?,
            attention_out: linear("attention.output.dense", width, width)?,
            attention_norm: load_norm(weights, &name("attention.output.LayerNorm"), shape)?,
            inner: linear("intermediate.dense", width, inner)?.then(Activation::Gelu),
            outer: linear("output.dense", inner, width)?,
            norm: load_norm(weights, &name("output.LayerNorm"), shape)?,
        })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let attended = self.attention_out.forward(&self.attend(input)?)?;
        attended.inplace_op2(input, &self.attention_norm)?;
        let output = self.outer.forward(&self.inner.forward(&attended)?)?;
        output.inplace_op2(&attended, &self.norm)?;
        Ok(output)
    }

    fn attend(&self, input: &Tensor) -> Result<Tensor> {
        let (tokens, width) = input.dims2()?;
        let parts = self.attention.forward(input)?.reshape((tokens, 3, self.heads, width / self.heads))?;
        let parts = parts.permute((1, 2, 0, 3))?.contiguous()?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let scores = query.matmul(&key.transpose(D::Minus1, D::Minus2)?)?;
        scores.inplace_op1(&Softmax)?;
        scores.matmul(&value)?.transpose(0, 1)?.reshape((tokens, width))
    }
}

impl Linear {
    fn load(weights: &Weights<'_>, name: &str, inputs: usize, outputs: usize) -> Loaded<Self> {
        let weight = weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?;
        let values = weights.vector(&format!("{name}.bias"), outputs)?;
        // Laid out once as the product reads it: a merely transposed view would be copied for every product, which
        // makes a pass over 16 tokens twice as slow.
        let weight = weight.t().and_then(|weight| weight.contiguous()).map_err(|source| weights.failed(source))?;
        Ok(Self { weight, bias: AddBias { values, activation: Activation::Linear } })
    }

    fn then(mut self, activation: Activation) -> Self {
        self.bias.activation = activation;
        self
    }

    fn scaled(mut self, factor: f32) -> Result<Self> {
        self.bias.values.iter_mut().for_each(|bias| *bias *= factor);
        Ok(Self { weight: (self.weight * f64::from(factor))?, ..self })
    }

    fn side_by_side(parts: [Self; 3]) -> Result<Self> {
        let weight = Tensor::cat(&parts.each_ref().map(|part| &part.weight), 1)?.contiguous()?;
        let values = parts.into_iter().flat_map(|part| part.bias.values).collect();
        Ok(Self { weight, bias: AddBias { values, activation: Activation::Linear } })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = input.matmul(&self.weight)?;
        output.inplace_op1(&self.bias)?;
        Ok(output)
    }
}

fn add_to_rows(rows: &Tensor, added: &Tensor) -> Result<Tensor> {
    let sums = rows.copy()?;
    sums.inplace_op1(&AddBias { values: added.to_vec1()?, activation: Activation::Linear })?;
    Ok(sums)
}

fn load_norm(weights: &Weights<'_>, name: &str, shape: &Architecture) -> Loaded<AddNorm> {
    Ok(AddNorm {
        weight: weights.vector(&format!("{name}.weight"), shape.width)?,
        bias: weights.vector(&format!("{name}.bias"), shape.width)?,
        epsilon: shape.norm_epsilon,
    })
}
